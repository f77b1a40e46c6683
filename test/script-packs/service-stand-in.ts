import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** What systemd does for a server: the processes of a script end with its stage, so that scripts cannot start one themselves. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * A stand-in for `systemctl`: the tests run where systemd does not. The program passes `start UNIT` and `stop UNIT` on to the test's
 * process, which starts and stops the real server.
 */
export class ServiceStandIn implements AsyncDisposable {
  /** A folder for the PATH of the agent. */
  readonly programs: string
  /** What was asked for, such as `stop mariadb`. */
  readonly calls: string[] = []
  readonly #close: () => Promise<void>

  private constructor(programs: string, close: () => Promise<void>) {
    this.programs = programs
    this.#close = close
  }

  static async start(service: Service): Promise<ServiceStandIn> {
    // Not below TMPDIR, which the accounts of servers may not enter.
    const programs = await mkdtemp('/tmp/systemctl-')
    await chmod(programs, 0o755)
    const server = createServer((request, response) => {
      const [, action = '', unit = ''] = (request.url ?? '').split('/')
      standIn.calls.push(`${action} ${unit}`)
      const done = action === 'start' ? service.start() : service.stop()
      const answer = (status: number, text: string) => response.writeHead(status).end(text)
      done.then(
        () => answer(200, ''),
        (error: Error) => answer(500, error.message),
      )
    })
    const standIn = new ServiceStandIn(programs, async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(programs, { recursive: true, force: true })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const script = `#!/bin/sh\n[ "$2" = -- ] || exit 2\nexec curl -sS --fail-with-body "http://127.0.0.1:${port}/$1/$3"\n`
    await writeFile(join(programs, 'systemctl'), script, { mode: 0o755 })
    return standIn
  }

  /** The PATH of an agent whose scripts find it. */
  get path(): string {
    return `${this.programs}:${process.env.PATH}`
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}
