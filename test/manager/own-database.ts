import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'

/** A database of its own on the lab's PostgreSQL. */
export interface OwnDatabase extends AsyncDisposable {
  url: string
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>
}

/** Makes a database, which goes when it is disposed of. */
export async function makeDatabase(): Promise<OwnDatabase> {
  const { url } = inject('lab').postgresql
  const name = `test_${randomBytes(6).toString('hex')}`
  const admin = new Client(url)
  await admin.connect()
  await admin.query(`create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  const client = new Client(own.href)
  await client.connect()
  return {
    url: own.href,
    query: async (text, values) => (await client.query(text, values)).rows,
    async [Symbol.asyncDispose]() {
      await client.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}
