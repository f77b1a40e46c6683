import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { AlarmEntry } from '../../components/alarm-entry.tsx'
import { TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.overview
const SHOWN = 20

/** The open alarms, each with what to do. */
export function ActiveAlarms() {
  const { client } = useSession()
  const alarms = useQuery(queries.openAlarms(client, { limit: SHOWN }))
  return (
    <Section title={t.alarms} actions={<TextLink to="/alarms">{t.allAlarms}</TextLink>}>
      <QueryContent query={alarms} height={80}>
        {(items) =>
          items.length === 0 ? (
            <Text size="sm">{t.alarmsEmpty}</Text>
          ) : (
            <Stack gap="md">
              {items.map((alarm) => (
                <AlarmEntry key={alarm.id} alarm={alarm} />
              ))}
            </Stack>
          )
        }
      </QueryContent>
    </Section>
  )
}
