import { Button } from '@mantine/core'
import * as messages from '../messages/messages.ts'
import { EmptyNotice } from './notices.tsx'

/** In the place of a list whose filters match nothing. */
export const NoMatchNotice = ({ title, onClear }: { title: string; onClear: () => void }) => (
  <EmptyNotice
    title={title}
    action={
      <Button variant="default" size="xs" onClick={onClear}>
        {messages.shell.clearFilters}
      </Button>
    }
  />
)
