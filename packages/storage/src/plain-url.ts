import { StoreError } from './store-error.ts'

/**
 * Checks a URL that paths are appended to. One with a query or a fragment would swallow them and lead to any path of its server;
 * one with credentials would send them along.
 *
 * @param what - What the URL is, for the message: `The Keystone URL`.
 * @returns The URL without slashes at its end.
 * @throws {StoreError} With code `misconfigured` if it is anything else than a plain http or https URL.
 */
export function plainUrl(url: string, what: string): string {
  const text = url.trim().replace(/\/+$/, '')
  // Neither is part of a host or path of a store; the parser drops tabs and newlines, and turns backslashes around.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const isPlain = /^https?:\/\/[^\u0000-\u0020\u007f\\@?#]+$/i.test(text) && URL.canParse(text)
  if (isPlain) return text
  throw new StoreError(
    'misconfigured',
    `${what} ${JSON.stringify(text.slice(0, 200))} is not a plain URL: it must be http://… or https://… without credentials, "?" and "#".`,
  )
}
