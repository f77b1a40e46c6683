import type { Message } from '../message.ts'
import { type DeliveryRules, postJson } from './http-post.ts'

/** Posts to an incoming webhook of Slack or Mattermost. Texts are plain: names of databases are no markup. */
export async function postChat(url: string, { title, text }: Message, rules: DeliveryRules): Promise<void> {
  const plain = (content: string) => ({ type: 'plain_text', text: content.slice(0, 3000) })
  const blocks = [
    { type: 'header', text: plain(title.slice(0, 150)) },
    { type: 'section', text: plain(text) },
  ]
  await postJson(url, { text: escapeMarkup(`${title}\n${text}`), blocks }, rules)
}

/** Mattermost shows the text instead of the blocks. */
const escapeMarkup = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

/** Posts an Adaptive Card to a workflow of Microsoft Teams. */
export async function postTeams(url: string, { title, text }: Message, rules: DeliveryRules): Promise<void> {
  const block = (content: string, style: object) => ({ type: 'TextBlock', text: content, wrap: true, ...style })
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(title, { weight: 'Bolder', size: 'Medium' }),
      ...text.split('\n').flatMap((line) => (line === '' ? [] : [block(line, {})])),
    ],
  }
  const contentType = 'application/vnd.microsoft.card.adaptive'
  await postJson(url, { type: 'message', attachments: [{ contentType, contentUrl: null, content: card }] }, rules)
}
