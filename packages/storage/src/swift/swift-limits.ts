import type { SwiftClient } from './swift-client.ts'

const GIBIBYTE = 1024 ** 3

/** What a Swift server allows. */
export interface SwiftLimits {
  /** Largest object that is not made of segments. */
  maximumSizeBytes: number
  maximumSegments: number
}

/** Swift's own defaults, for servers that say nothing. */
const defaults: SwiftLimits = { maximumSizeBytes: 5 * GIBIBYTE, maximumSegments: 1000 }

/** Asks a server for its limits. */
export async function readLimits(client: SwiftClient, signal?: AbortSignal): Promise<SwiftLimits> {
  const info = await client.info(signal)
  return {
    maximumSizeBytes: positive(at(info, 'swift', 'max_file_size')) ?? defaults.maximumSizeBytes,
    maximumSegments: positive(at(info, 'slo', 'max_manifest_segments')) ?? defaults.maximumSegments,
  }
}

function at(info: unknown, section: string, key: string): unknown {
  return (info as Record<string, Record<string, unknown> | undefined> | undefined)?.[section]?.[key]
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}
