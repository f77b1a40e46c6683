import { Group, Text } from '@mantine/core'

const WIDTH = 300
const HEIGHT = 64
const WIDEST_BAR = 24

/** Values over time as bars, oldest first. The newest and the largest are written beside it, and each is on hover. */
export function BarChart({
  title,
  bars,
  format,
}: {
  title: string
  bars: readonly { label: string; value: number }[]
  format: (value: number) => string
}) {
  const newest = bars.at(-1)
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE)
  const step = Math.min(WIDTH / bars.length, WIDEST_BAR)
  const summary = newest === undefined ? '' : format(newest.value)
  return (
    <figure style={{ margin: 0 }}>
      <Group component="figcaption" justify="space-between" gap="xs">
        <Text size="sm" c="dimmed">
          {title}
        </Text>
        <Text size="sm">{summary}</Text>
      </Group>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        width="100%"
        height={HEIGHT}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${bars.map(({ label, value }) => `${label} ${format(value)}`).join(', ')}`}
      >
        {bars.map(({ label, value }, index) => {
          const height = Math.max(1, (value / most) * HEIGHT)
          return (
            <rect
              key={label}
              x={index * step}
              y={HEIGHT - height}
              width={Math.max(1, step - 2)}
              height={height}
              fill="var(--mantine-primary-color-filled)"
            >
              <title>{`${label}: ${format(value)}`}</title>
            </rect>
          )
        })}
      </svg>
    </figure>
  )
}
