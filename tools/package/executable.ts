import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'postject'
import { builtProgram, createStage, run } from './workspace.ts'

/** What Node looks for in itself at its start; postject marks it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** Creates a copy of this Node that contains the command line and starts it. */
export async function executable(output: string): Promise<string[]> {
  await using stage = await createStage()
  const blob = join(stage.path, 'osb-backup.blob')
  const config = {
    main: join(await builtProgram('cli'), 'osb-backup.cjs'),
    output: blob,
    disableExperimentalSEAWarning: true,
    execArgv: ['--max-semi-space-size=1'],
  }
  const configPath = join(stage.path, 'sea.json')
  await writeFile(configPath, JSON.stringify(config))
  await run(process.execPath, ['--experimental-sea-config', configPath])
  const path = join(output, `osb-backup-${process.platform}-${process.arch}`)
  await copyFile(process.execPath, path)
  await chmod(path, 0o755)
  await inject(path, 'NODE_SEA_BLOB', await readFile(blob), { sentinelFuse: FUSE })
  return [path]
}
