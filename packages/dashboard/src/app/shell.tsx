import {
  AppShell,
  Badge,
  Burger,
  Button,
  Group,
  Image,
  NavLink,
  SegmentedControl,
  Stack,
  Text,
  useMantineColorScheme,
  VisuallyHidden,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { JobEvent } from '@osb-backup/protocol/v1'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useCallback, useEffect, useState } from 'react'
import { useLiveUpdates } from '../data/live-updates.ts'
import * as messages from '../messages/messages.ts'
import { useSession } from '../session/session.tsx'
import icon from './icon.svg'
import { Shortcuts } from './shortcuts.tsx'
import { usePages } from './use-pages.ts'

const t = messages.shell

/** What surrounds every page: header, navigation, and what is announced to screen readers. */
export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure()
  const [announcement, setAnnouncement] = useState('')
  const announceEnd = useCallback(({ kind, instanceId, changed }: JobEvent) => {
    const state = changed.state === undefined ? '' : messages.states.jobs[changed.state]
    setAnnouncement(t.jobEnded(messages.states.kinds[kind], instanceId, state))
  }, [])
  const isLive = useLiveUpdates(announceEnd)
  const pages = usePages()
  const path = useRouterState({ select: ({ location }) => location.pathname })
  // On phones the navigation covers the page that was chosen.
  useEffect(close, [path])

  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <a href="#content" className="skip-link">
        {t.skip}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={t.openNavigation}
              aria-expanded={isOpen}
            />
            <Image src={icon} alt="" w={28} h={28} />
            <Text fw={600} visibleFrom="xs">
              {messages.product}
            </Text>
          </Group>
          <LiveBadge isLive={isLive} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t.navigation} style={{ overflowY: 'auto' }}>
        {pages.map(({ to, label, Icon }) => (
          <NavLink
            key={to}
            label={label}
            leftSection={<Icon size={18} aria-hidden />}
            active={isWithin(path, to)}
            aria-current={isWithin(path, to) ? 'page' : undefined}
            renderRoot={(props) => <Link to={to} {...props} />}
          />
        ))}
        <Account />
      </AppShell.Navbar>
      <AppShell.Main id="content">
        <Outlet />
      </AppShell.Main>
      <VisuallyHidden role="status">{announcement}</VisuallyHidden>
      <Shortcuts />
    </AppShell>
  )
}

/** Whether a page belongs to one of the main navigation: `/restore` is not part of `/restore-points`. */
const isWithin = (path: string, page: string) => path === page || (page !== '/' && path.startsWith(`${page}/`))

function LiveBadge({ isLive }: { isLive: boolean }) {
  return (
    <Badge variant="default" tt="none" fw={500} role="status" title={isLive ? t.liveHint : t.notLiveHint}>
      {isLive ? t.live : t.notLive}
    </Badge>
  )
}

/** Who is signed in, and how the page looks to them. */
function Account() {
  const { caller, signOut } = useSession()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Stack gap="xs" mt="auto" pt="md">
      <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {t.signedInAs(caller.name, caller.role)}
      </Text>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label={t.scheme}
        value={colorScheme}
        onChange={(value) => setColorScheme(value as typeof colorScheme)}
        data={(['light', 'dark', 'auto'] as const).map((value) => ({ value, label: t.schemes[value] }))}
      />
      <Button variant="default" size="xs" component="a" href="/docs" target="_blank" rel="noreferrer">
        {t.apiDescription}
      </Button>
      <Button variant="default" size="xs" onClick={signOut}>
        {t.signOut}
      </Button>
    </Stack>
  )
}
