// Starts the manager with the database that is bound to the application, unless DATABASE_URL names one.
const { env } = process

if (!env.DATABASE_URL) {
  const services = Object.values(JSON.parse(env.VCAP_SERVICES || '{}')).flat()
  const uris = services
    .map(({ credentials = {} }) => credentials.uri ?? credentials.url)
    .filter((uri) => /^postgres(ql)?:/.test(uri))
  if (uris.length !== 1) {
    console.error(`Bind one PostgreSQL service, or set DATABASE_URL: ${uris.length} services have a postgresql:// URI.`)
    process.exit(1)
  }
  env.DATABASE_URL = uris[0]
}
require('./osb-backup-manager.cjs')
