import { collectBuffersEarly } from '@osb-backup/storage/collect-buffers-early'

collectBuffersEarly()
// Only now: what is loaded before is loaded twice.
await import('./program.ts')
