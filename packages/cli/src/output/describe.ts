import { Document, Scalar, stringify, visit } from 'yaml'
import { cleaned } from './table.ts'
import { formatBytes, formatDuration, formatRelative } from './units.ts'

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/
const INDENT = '  '

/**
 * Describes a value of the API as lines for people: one field a line, sizes, durations and instants with units, nested values
 * indented.
 */
export function describeValue(value: object, nowMs: number, indent = '', labelOf = fieldLabel): string[] {
  const fields = Object.entries(value).filter(([, each]) => each !== undefined)
  const width = Math.max(0, ...fields.map(([name]) => labelOf(name).length))
  return fields.flatMap(([name, each]) => {
    const label = `${labelOf(name)}:`
    if (isEmpty(each)) return [`${indent}${label.padEnd(width + 2)}–`]
    if (Array.isArray(each) && each.every((entry) => typeof entry !== 'object')) {
      return [`${indent}${label.padEnd(width + 2)}${each.map((entry) => scalar(name, entry, nowMs)).join(', ')}`]
    }
    if (Array.isArray(each)) {
      return [`${indent}${label}`, ...each.flatMap((entry) => listed(entry, nowMs, indent + INDENT))]
    }
    if (typeof each === 'object') {
      // The names of parameters are whatever the scripts understand.
      const inner = name === 'parameters' ? cleaned : fieldLabel
      return [`${indent}${label}`, ...describeValue(each, nowMs, indent + INDENT, inner)]
    }
    const text = scalar(name, each, nowMs)
    if (!text.includes('\n')) return [`${indent}${label.padEnd(width + 2)}${text}`]
    return [`${indent}${label}`, ...text.split('\n').map((line) => indent + INDENT + line)]
  })
}

function listed(entry: unknown, nowMs: number, indent: string): string[] {
  if (typeof entry !== 'object' || entry === null) return [`${indent}- ${String(entry)}`]
  const lines = describeValue(entry, nowMs, indent + INDENT)
  return lines.map((line, index) => (index === 0 ? `${indent}- ${line.slice(indent.length + 2)}` : line))
}

const isEmpty = (value: unknown) =>
  value === null || (typeof value === 'object' && Object.keys(value as object).length === 0)

function scalar(name: string, value: unknown, nowMs: number): string {
  if (typeof value === 'number' && /bytes/i.test(name)) return `${formatBytes(value)} (${value})`
  if (typeof value === 'number' && /seconds$/i.test(name)) return formatDuration(value * 1000)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string' && INSTANT.test(value))
    return `${localInstant(value)} (${formatRelative(value, nowMs)})`
  return String(value).split('\n').map(cleaned).join('\n')
}

/** An instant in the local time zone, to the second. */
export function localInstant(instant: string): string {
  const at = new Date(instant)
  const offset = -at.getTimezoneOffset()
  const shifted = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 19).replace('T', ' ')
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
  const two = (number: number) => String(number).padStart(2, '0')
  return `${shifted} ${offset === 0 ? 'UTC' : `${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`}`
}

/** `nextRunAt` → `Next run`; `sizeBytes` → `Size`. */
function fieldLabel(name: string): string {
  const words = name
    .replace(/(?<=[a-z])(At|Bytes|Seconds|Set)$/, (suffix) => (suffix === 'Set' ? ' set' : ''))
    .replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .replace(/\bid(s?)\b/gi, 'ID$1')
    .replace(/\b(url|sha256|rpo|tls|ca)\b/gi, (word) => word.toUpperCase())
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Control characters that JSON and YAML permit in texts, though terminals obey some of them. */
const CONTROL = /[\u007f-\u009f]/

/** A value as JSON for people and programs. */
export function toJson(value: unknown): string {
  return withEscapes(JSON.stringify(value, undefined, 2))
}

/** A value as YAML. */
export function toYaml(value: unknown): string {
  const text = stringify(value, { lineWidth: 0 })
  if (!CONTROL.test(text)) return text
  const document = new Document(value)
  visit(document, {
    Scalar(_, node) {
      // Only in this style a backslash begins an escape sequence.
      if (typeof node.value === 'string' && CONTROL.test(node.value)) node.type = Scalar.QUOTE_DOUBLE
    },
  })
  return withEscapes(document.toString({ lineWidth: 0 }))
}

function withEscapes(text: string): string {
  return text.replace(
    new RegExp(CONTROL, 'g'),
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
