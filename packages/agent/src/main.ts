import { collectBuffersEarly } from '@osb-backup/storage/collect-buffers-early'

collectBuffersEarly()
// Not earlier: modules that are loaded before the restart would be loaded twice.
await import('./program.ts')
