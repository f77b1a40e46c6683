import { Anchor, Breadcrumbs, Group, Stack, Title } from '@mantine/core'
import { Link, type LinkProps } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef } from 'react'
import * as messages from '../messages/messages.ts'

/** Links in the style of the page. */
export function TextLink({ children, ...to }: LinkProps & { children: ReactNode }) {
  return (
    <Anchor inherit renderRoot={(props) => <Link {...props} {...to} />}>
      {children}
    </Anchor>
  )
}

/**
 * The frame of every page: title, where it is, and its actions. The heading gets the focus when the page opens, so that screen
 * readers announce it.
 */
export function Page({
  title,
  parents = [],
  actions,
  children,
}: {
  title: string
  parents?: { label: string; link: LinkProps }[]
  actions?: ReactNode
  children: ReactNode
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${messages.product}`
    heading.current?.focus({ preventScroll: true })
  }, [title])
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        {parents.length > 0 && (
          <Breadcrumbs fz="sm">
            {parents.map(({ label, link }) => (
              <span key={label}>
                <TextLink {...link}>{label}</TextLink>
              </span>
            ))}
          </Breadcrumbs>
        )}
        <Group justify="space-between" gap="sm">
          <Title order={1} size="h2" ref={heading} tabIndex={-1} style={{ outline: 'none', overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {actions}
        </Group>
      </Stack>
      {children}
    </Stack>
  )
}
