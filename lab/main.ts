import { parseArgs } from 'node:util'
import { ensurePackages } from '../tools/packages.ts'
import { cephUp, labDown, labEnv, labUp } from './index.ts'
import { labStateFolder } from './settings.ts'

const help = `npm run lab -- up [ceph] | down [--wipe] | env

Real servers for tests and benchmarks, as plain processes on loopback: OpenStack Swift with Keystone, Swift's S3 API,
PostgreSQL. All their state is in one folder: ${labStateFolder()} (LAB_STATE moves it).

  up      starts the servers that are not running; as root it first installs missing Debian packages. \`up ceph\` also starts
          Ceph (its S3 and Swift APIs), which otherwise only the tests that need it start
  down    stops them; --wipe also deletes everything they stored
  env     prints their addresses and credentials as one JSON object

Ports: LAB_OBJECT_STORE_PORT (18080), LAB_IDENTITY_PORT (15000), LAB_POSTGRESQL_PORT (15432), LAB_CEPH_PORT (18380); the
scripts in lab/object-store, lab/postgresql and lab/ceph name the others. LAB_SWIFT_MAX_FILE_SIZE: the largest object without segments or parts,
33554432 for the tests; Swift's default is 5368709122.`

const { values, positionals } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' }, wipe: { type: 'boolean' } },
  allowPositionals: true,
})

try {
  await run(values.help ? 'help' : positionals[0])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function run(command: string | undefined): Promise<void> {
  switch (command) {
    case 'up':
      await ensurePackages()
      await labUp()
      if (positionals[1] === 'ceph') await cephUp()
      return
    case 'down':
      return labDown({ wipe: values.wipe ?? false })
    case 'env':
      return console.log(JSON.stringify(await labEnv(), undefined, 2))
    case 'help':
      return console.log(help)
    default:
      console.error(help)
      process.exitCode = 2
  }
}
