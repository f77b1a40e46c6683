import { isEnded, type Job, type JobPart } from '@osb-backup/protocol/v1'
import { createLogUpdate } from 'log-update'
import { styleState } from '../output/style.ts'
import { cleaned } from '../output/table.ts'
import { formatBytes, formatDuration } from '../output/units.ts'
import type { Session } from '../session.ts'

const REDRAW_MS = 200
/** The rate is that of this time. */
const RATE_WINDOW_MS = 10_000
const MOST_LINES = 20

/** Shows how jobs proceed. */
export interface Progress {
  /** A job was read, or has changed. */
  read(job: Job): void
  /** A message between. */
  note(message: string): void
  end(): void
}

/** Progress on a terminal as lines that are redrawn, elsewhere one line for each change of state or stage. */
export function createProgress(session: Session, expectedBytes: ReadonlyMap<string, number> = new Map()): Progress {
  const { flags, io, printer } = session
  if (flags.quiet || printer.format === 'json' || printer.format === 'yaml') return silent(session)
  // A terminal that does not know its size cannot be redrawn.
  const isLive = io.stderr.isTTY && (io.stderr.rows ?? 0) > 0 && io.env.TERM !== 'dumb'
  return isLive ? new LiveProgress(session, expectedBytes) : new PlainProgress(session, expectedBytes)
}

const silent = ({ printer }: Session): Progress => ({
  read: () => undefined,
  note: (message) => printer.note(message),
  end: () => undefined,
})

class PlainProgress implements Progress {
  readonly #session: Session
  readonly #expected: ReadonlyMap<string, number>
  readonly #last = new Map<string, string>()

  constructor(session: Session, expected: ReadonlyMap<string, number>) {
    this.#session = session
    this.#expected = expected
  }

  read({ id, kind, parts }: Job): void {
    for (const part of parts) {
      const key = `${id}/${part.item}`
      const isRunning = part.state === 'running'
      const stage = isRunning && part.stage !== undefined ? ` ${part.stage}` : ''
      const percent = isRunning
        ? percentOf(bytesOf({ kind }, part), this.#expected.get(key) ?? part.bytesExpected)
        : undefined
      // A line for every tenth of it.
      const text = `${part.state}${stage}${percent === undefined || percent < 10 ? '' : ` ${percent - (percent % 10)} %`}`
      if (this.#last.get(key) === text) continue
      this.#last.set(key, text)
      this.note(`${kind} ${cleaned(part.item)}: ${text}${waitsFor(part)}`)
    }
  }

  note(message: string): void {
    this.#session.io.stderr.write(`${cleaned(message)}\n`)
  }

  end(): void {
    // Every line was complete when it was written.
  }
}

class LiveProgress implements Progress {
  readonly #session: Session
  readonly #expected: ReadonlyMap<string, number>
  readonly #jobs = new Map<string, Job>()
  readonly #rates = new Map<string, RateMeter>()
  readonly #update: ReturnType<typeof createLogUpdate>
  readonly #timer: NodeJS.Timeout
  #message = ''

  constructor(session: Session, expected: ReadonlyMap<string, number>) {
    this.#session = session
    this.#expected = expected
    this.#update = createLogUpdate(session.io.stderr as unknown as NodeJS.WriteStream, { showCursor: true })
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS)
    this.#timer.unref()
  }

  read(job: Job): void {
    this.#message = ''
    this.#jobs.set(job.id, job)
    for (const part of job.parts) {
      const key = `${job.id}/${part.item}`
      const meter = this.#rates.get(key) ?? new RateMeter()
      this.#rates.set(key, meter)
      meter.add(bytesOf(job, part), performance.now())
    }
  }

  note(message: string): void {
    this.#message = cleaned(message)
  }

  end(): void {
    clearInterval(this.#timer)
    this.#update.clear()
  }

  #draw(): void {
    const lines = [...this.#jobs.values()].flatMap((job) => job.parts.map((part) => this.#line(job, part)))
    const shown =
      lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), `… and ${lines.length - MOST_LINES} more`] : lines
    this.#update([...shown, ...(this.#message === '' ? [] : [this.#message])].join('\n'))
  }

  #line(job: Job, part: JobPart): string {
    const style = this.#session.printer.errorStyle
    const key = `${job.id}/${part.item}`
    const head = `${job.kind} ${cleaned(part.item)}  ${styleState(style, part.state)}`
    if (isEnded(part.state) || part.state === 'queued') return `${head}${waitsFor(part)}`
    const meter = this.#rates.get(key)
    const bytes = bytesOf(job, part)
    const rate = meter?.bytesPerSecond ?? 0
    const total = this.#expected.get(key) ?? part.bytesExpected
    const percent = percentOf(bytes, total)
    const left = total === undefined || rate === 0 || bytes > total ? undefined : ((total - bytes) / rate) * 1000
    const facts = [
      part.stage,
      percent === undefined ? undefined : `${percent} %`,
      bytes > 0
        ? total === undefined || total === 0
          ? formatBytes(bytes)
          : `${formatBytes(bytes)} of ${formatBytes(total)}`
        : undefined,
      rate > 0 ? `${formatBytes(rate)}/s` : undefined,
      left === undefined ? undefined : `${formatDuration(left)} left`,
      job.startedAt === undefined
        ? undefined
        : formatDuration(Math.max(0, this.#session.io.now() - Date.parse(job.startedAt))),
    ]
    return `${head}  ${facts.filter((fact) => fact !== undefined).join('  ')}`
  }
}

/** How much of an expected size was moved; undefined if none is known, or it turned out to be too small. */
function percentOf(bytes: number, total: number | undefined): number | undefined {
  if (total === undefined || total <= 0 || bytes <= 0 || bytes > total) return undefined
  return Math.floor((bytes / total) * 100)
}

const bytesOf = ({ kind }: Pick<Job, 'kind'>, part: JobPart) =>
  (kind === 'restore' ? part.bytesStored : part.bytesRead) ?? 0

const waitsFor = ({ waitingFor }: JobPart) => (waitingFor === undefined ? '' : `  ${cleaned(waitingFor.reason)}`)

/** The rate of the last seconds. */
class RateMeter {
  readonly #samples: { bytes: number; atMs: number }[] = []

  add(bytes: number, atMs: number): void {
    this.#samples.push({ bytes, atMs })
    while (this.#samples.length > 2 && atMs - (this.#samples[0]?.atMs ?? 0) > RATE_WINDOW_MS) this.#samples.shift()
  }

  get bytesPerSecond(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
    return Math.max(0, (last.bytes - first.bytes) / ((last.atMs - first.atMs) / 1000))
  }
}
