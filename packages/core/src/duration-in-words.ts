const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/** `5 hours`, in the largest unit of which there are two. */
export function durationInWords(seconds: number): string {
  for (const [unit, length] of units) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${unit}s`
  }
  const whole = Math.floor(seconds)
  return `${whole} second${whole === 1 ? '' : 's'}`
}
