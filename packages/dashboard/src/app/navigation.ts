import type { Role } from '@osb-backup/protocol/v1'
import {
  Archive,
  BellRing,
  Boxes,
  CalendarClock,
  Database,
  History,
  Info,
  KeyRound,
  LayoutDashboard,
  ListChecks,
  type LucideIcon,
  ScrollText,
  Send,
  Server,
  ShieldCheck,
} from 'lucide-react'
import * as messages from '../messages/messages.ts'

const { pages } = messages.shell

/** The pages of the main navigation, each with the key that opens it after `g`, and the role that it needs. */
export const navigation = [
  { to: '/', label: pages.overview, Icon: LayoutDashboard, key: 'o', role: 'viewer' },
  { to: '/instances', label: pages.instances, Icon: Boxes, key: 'i', role: 'viewer' },
  { to: '/plans', label: pages.plans, Icon: CalendarClock, key: 'p', role: 'viewer' },
  { to: '/policies', label: pages.policies, Icon: ShieldCheck, key: 'y', role: 'viewer' },
  { to: '/jobs', label: pages.jobs, Icon: ListChecks, key: 'j', role: 'viewer' },
  { to: '/restore-points', label: pages.restorePoints, Icon: Archive, key: 's', role: 'viewer' },
  { to: '/restore', label: pages.restore, Icon: History, key: 'r', role: 'viewer' },
  { to: '/destinations', label: pages.destinations, Icon: Database, key: 'd', role: 'viewer' },
  { to: '/agents', label: pages.agents, Icon: Server, key: 'a', role: 'viewer' },
  { to: '/alarms', label: pages.alarms, Icon: BellRing, key: 'l', role: 'viewer' },
  { to: '/notifications', label: pages.notifications, Icon: Send, key: 'n', role: 'admin' },
  { to: '/access', label: pages.access, Icon: KeyRound, key: 'c', role: 'admin' },
  { to: '/audit-log', label: pages.audit, Icon: ScrollText, key: 'u', role: 'admin' },
  { to: '/about', label: pages.about, Icon: Info, key: 'b', role: 'viewer' },
] as const satisfies readonly {
  to: string
  label: string
  Icon: LucideIcon
  key: string
  role: Exclude<Role, 'broker'>
}[]
