import { Button, Group, Text } from '@mantine/core'
import * as messages from '../messages/messages.ts'

/** The filters of a list that came with a link and have no field, in words, and a button that removes them. */
export function ActiveFilters({ filters, onClear }: { filters: readonly (string | undefined)[]; onClear: () => void }) {
  const shown = filters.filter((filter) => filter !== undefined)
  if (shown.length === 0) return null
  return (
    <Group gap="sm">
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {shown.join(', ')}
      </Text>
      <Button variant="default" size="xs" onClick={onClear}>
        {messages.shell.clearFilters}
      </Button>
    </Group>
  )
}
