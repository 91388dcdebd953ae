/**
 * Writes the documents that follow from the code: docs/errors.md, docs/config.md, docs/cli.md and
 * docs/kubelet-checklist.md. With `--check`
 * it compares instead, and exits 1 where one is out of date.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cliDocument } from './docs/cli.ts'
import { configDocument } from './docs/config.ts'
import { conformanceDocument } from './docs/conformance.ts'
import { errorsDocument } from './docs/errors.ts'
import { kubeletChecklistDocument } from './docs/kubelet-checklist/index.ts'

const documents = {
  'errors.md': errorsDocument,
  'config.md': configDocument,
  'cli.md': cliDocument,
  'conformance.md': conformanceDocument,
  'kubelet-checklist.md': kubeletChecklistDocument,
}
const check = process.argv.includes('--check')

for (const [name, make] of Object.entries(documents)) {
  const path = fileURLToPath(new URL(`../docs/${name}`, import.meta.url))
  const text = await make()
  const present = existsSync(path) ? readFileSync(path, 'utf8') : ''
  if (present === text) continue
  if (check) {
    console.error(`docs/${name} is out of date: node scripts/generate-docs.ts`)
    process.exitCode = 1
  } else {
    writeFileSync(path, text)
    console.log(`docs/${name} written`)
  }
}
