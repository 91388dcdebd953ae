/**
 * Generates src/kube/schema/schema.generated.json from Kubernetes' own OpenAPI v3 documents (Go module
 * k8s.io/kubernetes, so that no network but the module proxy is needed).
 *
 *   node scripts/generate-schema.go.ts            writes the file
 *   node scripts/generate-schema.go.ts --check    exits 1 when the file is not what would be written
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const VERSION = 'v1.36.3'
const OUTPUT = new URL('../src/kube/schema/schema.generated.json', import.meta.url)
const DOCUMENTS = [
  'api__v1_openapi.json',
  'apis__policy__v1_openapi.json',
  'apis__authentication.k8s.io__v1_openapi.json',
  'apis__authorization.k8s.io__v1_openapi.json',
]
const ROOTS = [
  'Pod',
  'ConfigMap',
  'Secret',
  'Namespace',
  'Eviction',
  'DeleteOptions',
  'SelfSubjectReview',
  'SelfSubjectAccessReview',
]

interface Schema {
  type?: string
  format?: string
  $ref?: string
  allOf?: Schema[]
  items?: Schema
  additionalProperties?: Schema
  properties?: Record<string, Schema>
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-list-type'?: string
  'x-kubernetes-patch-merge-key'?: string
}

const definitions = new Map<string, Schema>()
for (const document of DOCUMENTS) {
  const text = readFileSync(join(moduleFolder(), 'api/openapi-spec/v3', document), 'utf8')
  const schemas = (JSON.parse(text) as { components: { schemas: Record<string, Schema> } }).components.schemas
  for (const [name, schema] of Object.entries(schemas)) definitions.set(shortName(name), schema)
}

const types: Record<string, Record<string, string>> = {}
const listKeys: Record<string, string[]> = {}
for (const root of ROOTS) visit(root)

const text = `${JSON.stringify({ version: VERSION, types: sorted(types), listKeys: sorted(listKeys) }, undefined, 1)}\n`
if (!process.argv.includes('--check')) writeFileSync(OUTPUT, text)
else if (readFileSync(OUTPUT, 'utf8') !== text) {
  console.error('schema.generated.json is out of date: run node scripts/generate-schema.go.ts')
  process.exitCode = 1
}

function moduleFolder(): string {
  const args = ['mod', 'download', '-json', `k8s.io/kubernetes@${VERSION}`]
  return (JSON.parse(execFileSync('go', args, { encoding: 'utf8' })) as { Dir: string }).Dir
}

/** `io.k8s.api.core.v1.PodSpec` as `PodSpec`: unique among what the roots reach. */
function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

function visit(name: string): void {
  if (types[name] !== undefined) return
  const properties = definitions.get(name)?.properties
  if (properties === undefined) return
  const fields: Record<string, string> = {}
  types[name] = fields
  for (const [field, schema] of Object.entries(properties)) {
    fields[field] = typeOf(schema)
    const keys = schema['x-kubernetes-list-map-keys'] ?? single(schema['x-kubernetes-patch-merge-key'])
    if (keys !== undefined) listKeys[`${name}.${field}`] = keys
  }
}

function single(key: string | undefined): string[] | undefined {
  return key === undefined ? undefined : [key]
}

/** `string`, `PodSpec`, `[]Container` (list), `{}string` (map), `any` (free form). */
function typeOf(schema: Schema): string {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref
  if (reference !== undefined) {
    const name = shortName(reference)
    if (definitions.get(name)?.properties === undefined) {
      return name === 'FieldsV1' || name === 'RawExtension' ? 'any' : 'scalar'
    }
    visit(name)
    return name
  }
  if (schema.type === 'array') return `[]${typeOf(schema.items ?? {})}`
  if (schema.additionalProperties !== undefined) return `{}${typeOf(schema.additionalProperties)}`
  return schema.type === 'object' ? 'any' : 'scalar'
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
