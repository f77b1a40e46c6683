import { Histogram, Registry } from 'prom-client'

/** The names of all metrics begin with it. */
export const PREFIX = 'osb_backup_'

/** What a manager measures of itself. Unlike all other metrics, these differ between managers, and begin anew with each start. */
export class ProcessMetrics {
  readonly #registry = new Registry()
  readonly #requests = new Histogram({
    name: `${PREFIX}http_request_duration_seconds`,
    help: 'How long this manager took to answer, by route and status. Event streams are not measured.',
    labelNames: ['route', 'status'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers: [this.#registry],
  })
  readonly #database = new Histogram({
    name: `${PREFIX}database_duration_seconds`,
    help: 'How long this manager waited for its database: for a connection, and for each statement.',
    labelNames: ['operation', 'result'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers: [this.#registry],
  })

  /** An answer to a request. */
  requestEnded(route: string, statusCode: number, seconds: number): void {
    this.#requests.observe({ route, status: `${Math.trunc(statusCode / 100)}xx` }, seconds)
  }

  /** A call to the database. */
  readonly databaseCalled = (operation: 'connect' | 'statement', seconds: number, isOk: boolean): void => {
    this.#database.observe({ operation, result: isOk ? 'ok' : 'error' }, seconds)
  }

  /** As Prometheus reads it. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
}
