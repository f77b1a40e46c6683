import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const printLoaded = `
import { registerHooks } from 'node:module'
const loaded = []
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
await import(${JSON.stringify(import.meta.resolve('./start-agent.ts'))})
console.log(JSON.stringify(loaded))`

test('an agent that has run no job has not loaded what only jobs and their transfers need', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', printLoaded])
  const loaded: string[] = JSON.parse(stdout)
  expect(loaded.some((url) => url.includes('/fastify/'))).toBe(true)
  const names = [
    'undici',
    'age-encryption',
    '@aws-sdk',
    'prom-client',
    '@peculiar',
    'storage/src/index.ts',
    'v1/index.ts',
  ]
  expect(names.filter((name) => loaded.some((url) => url.includes(`/${name}`)))).toEqual([])
})
