import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { services } from '../../../src/cli/commands/services.ts'
import { packageVersion } from '../../../src/cli/version.ts'
import t from '../../support/tap.ts'

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8')

interface ComposeService {
  command?: string[]
  environment?: Record<string, string>
  ports?: string[]
}

const { services: composed } = parse(read('docker-compose.yml')) as {
  services: Record<string, ComposeService>
}
const variables = new Set(services.flatMap(({ settings }) => Object.values(settings).map(({ env }) => env)))

t.test('compose file and manifest set only variables that are settings', async (t) => {
  for (const name of Object.keys(composed['gateway']?.environment ?? {})) t.ok(variables.has(name), name)
  for (const [, name = ''] of read('deploy/agent.yaml').matchAll(/name: ([A-Z][A-Z_]+)$/gm)) {
    t.ok(variables.has(name), name)
  }
})

t.test('the settings of the compose file are ones that a gateway starts with', async (t) => {
  const gateway = services.find(({ name }) => name === 'gateway')
  const env = Object.fromEntries(
    Object.entries(composed['gateway']?.environment ?? {}).map(([name, value]) => [
      name,
      value.replaceAll(/\$\{\w+[^}]*\}/g, 'x'),
    ]),
  )
  t.doesNotThrow(() => gateway?.read({ env }))
  t.same(composed['gateway']?.command, ['gateway'])
})

t.test('plain HTTP is published on loopback alone, and no secret stands in the file', async (t) => {
  for (const port of composed['gateway']?.ports ?? []) t.match(port, /^127\.0\.0\.1:/)
  t.notOk('ports' in (composed['postgres'] ?? {}))
  for (const { environment = {} } of Object.values(composed)) {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASSWORD|KEYS|TOKEN|SECRET/.test(name)) t.match(value, /^\$\{\w+:\?.+\}$/, name)
    }
  }
})

t.test('image tags are the version of the package, and the image does not run as root', async (t) => {
  for (const file of ['docker-compose.yml', 'deploy/agent.yaml', 'Dockerfile']) {
    const tags = [...read(file).matchAll(/\bisthmus:(\d[\w.-]*)/g)].map(([, tag]) => tag)
    t.ok(tags.length > 0, file)
    for (const tag of tags) t.equal(tag, packageVersion(), file)
  }
  t.match(read('Dockerfile'), /^USER 65532:65532$/m)
  t.match(read('deploy/agent.yaml'), /runAsUser: 65532/)
})
