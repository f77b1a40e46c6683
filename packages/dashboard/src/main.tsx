import '@mantine/core/styles.css'
import './app/global.css'
import { setNonce } from 'get-nonce'
import { createRoot } from 'react-dom/client'
import { App } from './app/app.tsx'
import { styleNonce } from './app/style-nonce.ts'
import { takeProviderAnswer } from './session/provider-answer.ts'

// Modals lock scrolling with a style element of their own, which needs the nonce too.
setNonce(styleNonce())

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element #root')
createRoot(root).render(<App answer={takeProviderAnswer()} />)
