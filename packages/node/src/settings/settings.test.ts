import { expect, expectTypeOf, test } from 'vitest'
import { parseSettings, SettingsError } from './parse-settings.ts'
import { absolutePath, flag, httpUrl, listOf, oneOf, text, wholeNumber } from './schemas.ts'
import { settingsHelp, settingsReference } from './settings-text.ts'

const listening = {
  PORT: { schema: wholeNumber(0, 65_535), default: '8080', description: 'port to listen on; 0 selects a free one' },
  DATA_DIR: { schema: absolutePath, isRequired: true, description: 'directory of the data' },
} as const
const other = {
  PRIVATE: { schema: oneOf(['allow', 'forbid']), default: 'allow', description: 'allow|forbid' },
  DEBUG: { schema: flag, default: 'false', description: 'whether to log more' },
  STATE: { schema: absolutePath, defaultText: '<DATA_DIR>/state', description: 'directory of the state' },
  HTTPS_PROXY: { schema: httpUrl, aliases: ['https_proxy'], description: 'proxy' },
  ORIGINS: { schema: listOf(httpUrl, 'must be URLs with commas between them'), description: 'URLs that may call' },
  NAME: { schema: text, description: 'name' },
} as const
const table = { ...listening, ...other }

test('variables that are not set or empty have their defaults', () => {
  const settings = parseSettings(table, { DATA_DIR: '/data', PORT: '' })
  expect(settings).toEqual({ PORT: 8080, DATA_DIR: '/data', PRIVATE: 'allow', DEBUG: false })
  expectTypeOf(settings.PORT).toEqualTypeOf<number>()
  expectTypeOf(settings.DATA_DIR).toEqualTypeOf<string>()
  expectTypeOf(settings.PRIVATE).toEqualTypeOf<'allow' | 'forbid'>()
  expectTypeOf(settings.STATE).toEqualTypeOf<string | undefined>()
  expectTypeOf(settings.ORIGINS).toEqualTypeOf<string[] | undefined>()
})

test('variables are read by their schemas, and under their other names', () => {
  const environment = {
    DATA_DIR: '/data',
    PORT: '0',
    DEBUG: 'true',
    https_proxy: 'http://p',
    ORIGINS: 'http://a, http://b',
  }
  expect(parseSettings(table, environment)).toMatchObject({
    PORT: 0,
    DEBUG: true,
    HTTPS_PROXY: 'http://p',
    ORIGINS: ['http://a', 'http://b'],
  })
  expect(parseSettings(table, { ...environment, HTTPS_PROXY: 'http://q' }).HTTPS_PROXY).toBe('http://q')
})

test.for([
  [{ DATA_DIR: undefined }, 'DATA_DIR must be set: directory of the data.'],
  [{ DATA_DIR: 'data' }, 'DATA_DIR must be an absolute path.'],
  [{ PORT: '80a' }, 'PORT must be a whole number from 0 to 65535.'],
  [{ PORT: '65536' }, 'PORT must be a whole number from 0 to 65535.'],
  [{ PRIVATE: 's3cret' }, 'PRIVATE must be allow or forbid.'],
  [{ DEBUG: 's3cret' }, 'DEBUG must be true or false.'],
  [{ HTTPS_PROXY: 's3cret' }, 'HTTPS_PROXY must be an http or https URL.'],
  [{ ORIGINS: 'http://a,s3cret' }, 'ORIGINS must be URLs with commas between them.'],
] as const)('%j is refused with one sentence that does not quote it', ([changes, message]) => {
  expect(() => parseSettings(table, { DATA_DIR: '/data', ...changes })).toThrow(new SettingsError(message))
})

const sections = [
  { title: 'Listening', table: listening },
  { title: 'Other', table: other },
]

test('the help has a line for every setting, with its default', () => {
  expect(settingsHelp(sections)).toBe(`Listening:
  PORT         port to listen on; 0 selects a free one (default: 8080)
  DATA_DIR     directory of the data (required)

Other:
  PRIVATE      allow|forbid (default: allow)
  DEBUG        whether to log more (default: false)
  STATE        directory of the state (default: <DATA_DIR>/state)
  HTTPS_PROXY  proxy
  ORIGINS      URLs that may call
  NAME         name`)
})

test('the help breaks long descriptions between words', () => {
  const description = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ')
  const lines = settingsHelp([{ title: 'T', table: { A: { schema: text, description } } }]).split('\n')
  expect(lines.length).toBeGreaterThan(3)
  expect(lines.every((line) => line.length <= 110)).toBe(true)
  expect(lines.slice(2).every((line) => /^ {5}word/.test(line))).toBe(true)
  expect(
    lines
      .slice(1)
      .map((line) => line.trim().replace(/^A +/, ''))
      .join(' '),
  ).toBe(description)
})

test('the reference is a table a section', () => {
  expect(settingsReference(sections, 3)).toBe(`### Listening

| Setting | Default | Meaning |
| --- | --- | --- |
| \`PORT\` | \`8080\` | Port to listen on; 0 selects a free one. |
| \`DATA_DIR\` | required | Directory of the data. |

### Other

| Setting | Default | Meaning |
| --- | --- | --- |
| \`PRIVATE\` | \`allow\` | Allow\\|forbid. |
| \`DEBUG\` | \`false\` | Whether to log more. |
| \`STATE\` | \`<DATA_DIR>/state\` | Directory of the state. |
| \`HTTPS_PROXY\` |  | Proxy. |
| \`ORIGINS\` |  | URLs that may call. |
| \`NAME\` |  | Name. |
`)
})
