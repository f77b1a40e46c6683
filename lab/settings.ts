import { join } from 'node:path'

const repository = join(import.meta.dirname, '..')

/** Where the lab keeps everything; `LAB_STATE` moves it. Ports and names are read by the scripts in its folders. */
export function labStateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return environment.LAB_STATE || join(repository, '.lab')
}
