import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const besideProgram = fileURLToPath(new URL('dashboard', import.meta.url))
const inRepository = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url))

/** The folder of the built dashboard: beside the program, as `npm run build` creates it, or in the repository that it runs from. */
export const builtDashboard = (): string => (existsSync(besideProgram) ? besideProgram : inRepository)
