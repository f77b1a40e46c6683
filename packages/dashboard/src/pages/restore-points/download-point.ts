import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { BackupClient } from '@osb-backup/client'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import { saveFile } from '../../components/save-file.ts'
import * as messages from '../../messages/messages.ts'

/** What is larger is written to its file while it is received, where the browser can do that. */
const MAX_IN_MEMORY_BYTES = 500_000_000

/** Of the File System Access API, which not every browser has. */
interface FilePicker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<{
    createWritable(): Promise<WritableStream<Uint8Array>>
  }>
}

const picker = window as FilePicker

/** Whether this browser can download an object of its size. */
export const canDownload = ({ sizeBytes }: RestorePoint): boolean =>
  sizeBytes <= MAX_IN_MEMORY_BYTES || picker.showSaveFilePicker !== undefined

/**
 * Downloads the object of a restore point as it is stored, and compares its size and digest with what was recorded. The user gets
 * a file only if they match.
 *
 * @throws {Error} If they do not.
 */
export async function downloadPoint(
  client: BackupClient,
  point: RestorePoint,
  { onProgress, signal }: { onProgress: (receivedBytes: number) => void; signal: AbortSignal },
): Promise<void> {
  const name = point.objectName.slice(point.objectName.lastIndexOf('/') + 1)
  // Asked before the transfer begins: browsers open the dialog only in answer to a click.
  const file =
    point.sizeBytes <= MAX_IN_MEMORY_BYTES ? undefined : await picker.showSaveFilePicker?.({ suggestedName: name })
  const { content } = await client.restorePoints.openObject(point.id, {}, { signal })
  const verified = content.pipeThrough(verification(point, onProgress))
  // A file whose stream fails is discarded, not left incomplete.
  if (file !== undefined) return verified.pipeTo(await file.createWritable(), { signal })
  saveFile(await collect(verified), name)
}

/** The content of a stream; `Response` would hide why it failed. */
async function collect(content: ReadableStream<Uint8Array>): Promise<Blob> {
  const reader = content.getReader()
  const parts: BlobPart[] = []
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return new Blob(parts)
    parts.push(value as Uint8Array<ArrayBuffer>)
  }
}

function verification({ sizeBytes, sha256: recorded }: RestorePoint, onProgress: (receivedBytes: number) => void) {
  const digest = sha256.create()
  let received = 0
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      digest.update(chunk)
      received += chunk.length
      onProgress(received)
      controller.enqueue(chunk)
    },
    flush() {
      const isAsRecorded =
        received === sizeBytes && (recorded === undefined || bytesToHex(digest.digest()) === recorded)
      if (!isAsRecorded) throw new Error(messages.restorePoints.download.mismatch)
    },
  })
}
