import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { activeTraceparent, beginSpan, parseTraceparent, withSpan } from './index.ts'

test('without tracing work is done as without spans, and nothing is sent on', async () => {
  const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  expect(await withSpan('work', { parent, role: 'client' }, async () => activeTraceparent() ?? 'none')).toBe('none')
  await expect(withSpan('work', {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  const span = beginSpan('work')
  expect(span.run(() => 7)).toBe(7)
  span.end({ error: 'no' })
})

test('without tracing no code that exports is loaded', () => {
  const program = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    const { startTracing, withSpan } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))})
    await withSpan('work', {}, async () => undefined)
    const exporting = () => loaded.some((url) => /sdk-trace|otlp/.test(url))
    const before = exporting()
    await startTracing({ serviceName: 's', version: '1', sampleRatio: 1, warn() {} })
    process.stdout.write(JSON.stringify([before, exporting()]))
    process.exit()`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  })
  expect([stdout, stderr]).toEqual(['[false,true]', ''])
})

test.for<[string, unknown, boolean]>([
  ['a traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', true],
  ['one of an unknown version', 'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', false],
  ['a text with a line of its own', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n', false],
  ['several', ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'], false],
])('%s is recognized', ([, header, isValid]) => {
  expect(parseTraceparent(header)).toBe(isValid ? header : undefined)
})
