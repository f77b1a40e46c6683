import { join } from 'node:path'
import { expect, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { createDatabase, type DatabaseFixture, dropDatabase, migrate, quoteLiteral } from './databases/fixture.ts'
import { fixtures } from './databases/index.ts'
import { useServer } from './harness.ts'

const bench = useServer()

test.each<DatabaseFixture>(Object.values(fixtures).flat())(
  'a superuser’s pg_dump and pg_restore --create bring all of $name back, and a change shows',
  async (fixture) => {
    const { server } = bench
    const name = `digest of ${fixture.name}`
    await createDatabase(server, fixture, name)
    const before = await digestOf(server, name)
    expect(differences(before, await digestOf(server, name))).toEqual([])

    const dump = join(server.socketFolder, 'dump')
    await server.program('pg_dump', ['-Fc', '--create', '-f', dump], name)
    await migrate(server, fixture, name)
    expect(differences(before, await digestOf(server, name))).not.toEqual([])

    await dropDatabase(server, name)
    await server.program('pg_restore', ['--create', '--exit-on-error', '-d', 'postgres', dump], 'postgres')
    // pg_dump knows no versions of extensions.
    expect(
      differences(before, await digestOf(server, name)).filter((line) => !line.startsWith('~ extension ')),
    ).toEqual([])
    expect(await server.sql('postgres', `SELECT 1 FROM pg_database WHERE datname = ${quoteLiteral(name)}`)).toBe('1')
    await dropDatabase(server, name)
  },
)
