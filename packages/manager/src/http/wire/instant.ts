/** `2021-04-13T08:00:00.123+00:00`, as existing clients know instants. */
export function instantToWire(instant: Date): string {
  return instant.toISOString().replace('Z', '+00:00')
}
