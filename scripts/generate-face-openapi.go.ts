/**
 * Generates src/gateway/kubernetes/openapi/*.generated.json: Kubernetes' own OpenAPI v3 documents (Go module
 * k8s.io/kubernetes) trimmed to the paths that the Kubernetes face serves and the schemas that these reach.
 * Needs Go.
 *
 *   node scripts/generate-face-openapi.go.ts            writes the files
 *   node scripts/generate-face-openapi.go.ts --check    exits 1 when a file is not what would be written
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupVersion, type Resource, servedResources } from '../src/gateway/kubernetes/resources.ts'
import { schemaVersion } from '../src/kube/schema/index.ts'

const OUTPUT = new URL('../src/gateway/kubernetes/openapi/', import.meta.url)
const METHOD_VERBS: Record<string, readonly string[]> = {
  get: ['get', 'list'],
  post: ['create', 'post'],
  put: ['update'],
  patch: ['patch'],
  delete: ['delete', 'deletecollection'],
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Fields = { [key: string]: Json }

interface Document {
  openapi: string
  info: Fields
  paths: Record<string, Fields>
  components: { schemas: Record<string, Fields> }
}

const check = process.argv.includes('--check')
mkdirSync(OUTPUT, { recursive: true })
for (const gv of new Set(servedResources.map(groupVersion))) {
  const resources = servedResources.filter((resource) => groupVersion(resource) === gv)
  const place = gv.includes('/') ? `apis/${gv}` : `api/${gv}`
  const file = new URL(`${place.replaceAll('/', '__')}.generated.json`, OUTPUT)
  const text = `${JSON.stringify(trim(readDocument(place), place, resources))}\n`
  if (!check) writeFileSync(file, text)
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    console.error(`${file.pathname} is out of date: run node scripts/generate-face-openapi.go.ts`)
    process.exitCode = 1
  }
}

function readDocument(place: string): Document {
  const args = ['mod', 'download', '-json', `k8s.io/kubernetes@${schemaVersion}`]
  const { Dir } = JSON.parse(execFileSync('go', args, { encoding: 'utf8' })) as { Dir: string }
  const name = `${place.replaceAll('/', '__')}_openapi.json`
  return JSON.parse(readFileSync(join(Dir, 'api/openapi-spec/v3', name), 'utf8')) as Document
}

function trim(document: Document, place: string, resources: readonly Resource[]): Document {
  const paths: Record<string, Fields> = {}
  for (const [path, item] of Object.entries(document.paths)) {
    const kept = servedItem(path, item, place, resources)
    if (kept !== undefined) paths[path] = kept
  }
  const schemas: Record<string, Fields> = {}
  const visit = (value: Json): void => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (typeof value === 'object' && value !== null) {
      const name = typeof value.$ref === 'string' ? value.$ref.split('/').at(-1) : undefined
      if (name !== undefined && schemas[name] === undefined) {
        const schema = document.components.schemas[name]
        if (schema !== undefined) {
          schemas[name] = schema
          visit(schema)
        }
      }
      Object.values(value).forEach(visit)
    }
  }
  visit(paths)
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    openapi: document.openapi,
    info: { title: 'Isthmus', version: schemaVersion },
    paths,
    components: { schemas: sorted },
  }
}

/** The path's operations that are served; undefined where none is. */
function servedItem(
  path: string,
  item: Fields,
  place: string,
  resources: readonly Resource[],
): Fields | undefined {
  const rest = path.slice(`/${place}`.length).replace(/\/$/, '')
  if (rest === '') return onlyJson({ get: item.get ?? null, parameters: item.parameters ?? [] })
  const match = /^(?:\/namespaces\/\{namespace\})?\/([a-z]+)(\/\{name\})?(?:\/([a-z]+))?$/.exec(rest)
  const namespaceMatch = /^\/namespaces(\/\{name\})?$/.exec(rest)
  const name = namespaceMatch === null ? match?.[1] : 'namespaces'
  const single = namespaceMatch === null ? match?.[2] !== undefined : namespaceMatch[1] !== undefined
  const resource = resources.find((one) => one.name === name)
  if (resource === undefined) return undefined
  const subresource = match?.[3]
  const verbs =
    subresource === undefined
      ? resource.verbs
      : resource.subresources?.find((one) => one.name === subresource)?.verbs
  if (verbs === undefined) return undefined
  const all = resource.namespaced && !rest.startsWith('/namespaces/')
  const kept = Object.entries(item).filter(([method]) => {
    if (method === 'parameters') return true
    if (all && method !== 'get') return false
    const wanted = METHOD_VERBS[method] ?? []
    const verb =
      method === 'get'
        ? single
          ? 'get'
          : 'list'
        : method === 'delete'
          ? single
            ? 'delete'
            : 'deletecollection'
          : wanted[0]
    // kubectl looks for `fieldValidation` at the PATCH of a kind, and else asks for /openapi/v2 (rule 23).
    if (verb === 'patch' && verbs.includes('create')) return true
    return verbs.some((one) => one === verb)
  })
  if (kept.every(([method]) => method === 'parameters')) return undefined
  return onlyJson(Object.fromEntries(kept))
}

/** Answers are JSON, and bodies are not CBOR: the media types that are not served go. */
function onlyJson<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.map(onlyJson) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key]) => !/cbor|yaml$|protobuf|stream=watch/.test(key) || key === 'application/apply-patch+yaml',
      )
      .filter(([key, inner]) => key !== 'get' || inner !== null)
      .map(([key, inner]) => [key, onlyJson(inner as Json)]),
  ) as T
}
