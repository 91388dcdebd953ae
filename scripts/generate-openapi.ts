/**
 * Writes openapi/operator.json and openapi/agent.json from the routes' own schemas. With `--check` it compares
 * instead, and exits 1 where one is out of date.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openApiDocuments } from '../src/gateway/openapi.ts'

const check = process.argv.includes('--check')

for (const [name, document] of Object.entries(await openApiDocuments())) {
  const path = fileURLToPath(new URL(`../openapi/${name}.json`, import.meta.url))
  const text = `${JSON.stringify(document, null, 2)}\n`
  const present = existsSync(path) ? readFileSync(path, 'utf8') : ''
  if (present === text) continue
  if (check) {
    console.error(`openapi/${name}.json is out of date: node scripts/generate-openapi.ts`)
    process.exitCode = 1
  } else {
    writeFileSync(path, text)
    console.log(`openapi/${name}.json written`)
  }
}
