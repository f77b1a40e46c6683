import { expect, test } from 'vitest'
import { checkDatabase } from './check-database.ts'

const database = { host: '10.0.0.5', username: 'backup', password: 'secret', database: 'shop' }

test.for([{}, { port: 0 }])('a database with %j has no port', (port) => {
  const { database: name, ...access } = database
  expect(checkDatabase('backup', { ...database, ...port })).toEqual({ ok: true, value: { ...access, name } })
})

test.for([-1, 65_536, 5432.5])('the port %d is refused', (port) => {
  expect(checkDatabase('restore', { ...database, port })).toEqual({
    ok: false,
    error: 'restore.port must be a whole number up to 65535',
  })
})
