import { hkdfSync } from 'node:crypto'

/**
 * The payload of an age file (age-encryption.org/v1): a nonce, then chunks sealed with ChaCha20-Poly1305, each under a
 * counter and the last one marked. The library's own stream does the same at a third of the speed, since its cipher is
 * written in JavaScript; it still handles header and keys.
 */
export const CIPHER_NAME = 'chacha20-poly1305'
export const NONCE_BYTES = 16
export const CHUNK_BYTES = 64 * 1024
export const TAG_BYTES = 16
export const sealedChunkBytes = CHUNK_BYTES + TAG_BYTES

/** The key that seals a payload's chunks. */
export function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32))
}

/** The nonce of a chunk: its number in 11 bytes, big endian, and whether it is the last. */
export function chunkNonce(chunkNumber: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(chunkNumber, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
}
