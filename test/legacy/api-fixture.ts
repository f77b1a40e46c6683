import { type ManagerProcess, makeTemporaryFolder, startManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'

/** A manager whose API is called as any client calls it: nothing of the typed client's help. */
export interface Api extends AsyncDisposable {
  url: string
  /** Of the instance `i-1`. */
  destinationId: string
  call: ReturnType<typeof callOf>
  /** A plan of `i-1` under a name of its own, as a client sends it. */
  plan(fields?: object): Record<string, unknown>
}

export const instanceBody = {
  service_id: 'sd-1',
  hosts: [{ name: 'postgres0', ip: '10.0.0.5', port: '5432', backup: 'true' }],
  username: 'backup',
  password: 'database-secret',
  agent: { url: 'http://127.0.0.1:9/', username: 'agent', password: 'agent-secret' },
  somethingUnknown: [1, 2],
}
export const serviceInstance = { service_instance_id: 'i-1' }
export const s3 = {
  type: 'S3',
  name: 'minio',
  endpoint: 'http://127.0.0.1:9',
  bucket: 'b',
  authKey: 'k',
  authSecret: 's3-secret',
}

/** Starts a manager with the instance `i-1` and a destination of it. */
export async function startApi(): Promise<Api> {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder())
  const manager: ManagerProcess = await startManagerProcess({
    DATA_DIR: folder.path,
    FILE_DESTINATION_ROOT: folder.path,
    DELETION_GRACE_HOURS: '0',
  })
  stack.defer(() => manager.stop())
  const call = callOf(manager.url)
  await call('PUT', '/serviceInstances/i-1', instanceBody)
  const { body } = await call('POST', '/fileDestinations', { ...s3, serviceInstance })
  return {
    url: manager.url,
    destinationId: body.id,
    call,
    plan: (fields = {}) => ({
      name: `plan ${Math.random()}`,
      serviceInstance,
      fileDestination: { id: body.id },
      frequency: '0 0 2 * * *',
      timezone: 'Europe/Berlin',
      retentionStyle: 'FILES',
      retentionPeriod: '7',
      items: ['db1'],
      ...fields,
    }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const callOf =
  (url: string) =>
  async (method: string, path: string, sent?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${TEST_TOKEN}`,
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: sent === undefined ? null : JSON.stringify(sent),
    })
    const text = await response.text()
    const type = response.headers.get('content-type') ?? ''
    return {
      status: response.status,
      etag: response.headers.get('etag'),
      type,
      text,
      body: type.includes('json') ? JSON.parse(text) : undefined,
    }
  }
