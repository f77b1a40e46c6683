import { Tabs, Text } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { Page } from '../../components/page.tsx'
import { Restricted } from '../../components/restricted.tsx'
import * as messages from '../../messages/messages.ts'
import { BrokerAccounts } from './broker-accounts.tsx'
import { Tokens } from './tokens.tsx'

const t = messages.access
const route = getRouteApi('/access')
const tabs = ['tokens', 'broker-accounts'] as const

/** Who may reach the manager, and what they may do. */
export const AccessPage = () => (
  <Restricted title={t.title} needs="admin">
    <Access />
  </Restricted>
)

function Access() {
  const { tab = 'tokens', q } = route.useSearch()
  const navigate = route.useNavigate()
  const search = (text: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, q: text }), replace: true })
  return (
    <Page title={t.title}>
      <Text size="sm" c="dimmed">
        {t.hint}
      </Text>
      <Tabs
        value={tab}
        onChange={(value) =>
          void navigate({ search: { tab: tabs.find((each) => each === value) }, replace: true, resetScroll: false })
        }
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {tabs.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {t.tabs[each]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="tokens">
          <Tokens q={q} onSearch={search} />
        </Tabs.Panel>
        <Tabs.Panel value="broker-accounts">
          <BrokerAccounts q={q} onSearch={search} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
