import { z } from 'zod'

/** A filter of the URL that is text. As with the others, a value that is not valid counts as none, as after a manual edit. */
export const text = z.string().min(1).max(200).optional().catch(undefined)
/** A filter that is a day. */
export const day = z.iso.date().optional().catch(undefined)
/** A filter that is true or false. */
export const flag = z.enum(['true', 'false']).optional().catch(undefined)
/** A filter that is one of these values. */
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values).optional().catch(undefined)

/**
 * Filters are plain text in the URL, as people and other programs write it: `?q=123` searches for text, and `?paused=true` is no boolean.
 */
export const plainSearch = {
  parseSearch: (search: string) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search: Record<string, unknown>) => {
    const set = Object.entries(search).filter(([, value]) => value !== undefined)
    const text = new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString()
    return text === '' ? '' : `?${text}`
  },
}
