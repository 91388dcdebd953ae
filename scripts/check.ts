/**
 * The last part of `npm run check`: generated files are what their generators would write, and the import rules
 * hold. A generator that needs Go is left out where Go is not installed, and that is said.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const go = spawnSync('go', ['version']).status === 0
let failed = 0

for (const script of readdirSync(fileURLToPath(new URL('.', import.meta.url))).sort()) {
  if (!script.startsWith('generate-')) continue
  if (!go && script.endsWith('.go.ts')) {
    console.log(`left out (Go is not installed): ${script}`)
    continue
  }
  verify(script, [`scripts/${script}`, '--check'])
}
verify('import rules', ['test/contract/architecture/architecture.test.ts'])
process.exitCode = failed === 0 ? 0 : 1

function verify(what: string, args: string[]): void {
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  console.log(`${result.status === 0 ? 'ok' : 'NOT OK'}  ${what}`)
  if (result.status === 0) return
  failed += 1
  console.log(result.stdout + result.stderr)
}
