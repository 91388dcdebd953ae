import { randomUUID } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import {
  type ApiRequest,
  type ApiResponse,
  applyPatch,
  type JsonObject,
  type JsonValue,
  KubeApiError,
  type KubeClient,
  KubeUnreachableError,
  matchesFields,
  parseFieldSelector,
} from '../../src/kube/index.ts'

/** Any object, as loosely as a test wants to look at it. */
// biome-ignore lint/suspicious/noExplicitAny: tests read deep into objects of every kind
export type Loose = any

export interface FakeCluster extends KubeClient {
  /** Puts an object there as some controller would, filling in what an API server does. */
  seed(resource: string, object: Loose): Loose
  /** Changes an object in place and tells the watches. */
  update(
    resource: string,
    namespace: string | undefined,
    name: string,
    change: (object: Loose) => void,
  ): Loose
  /** Removes it whatever it says, as a kubelet that has finished does. */
  drop(resource: string, namespace: string | undefined, name: string): void
  get(resource: string, namespace: string | undefined, name: string): Loose | undefined
  all(resource: string): Loose[]
  /** Every request but watches: `POST pods/default/a`, `PATCH pods/default/a/status`. */
  requests: { line: string; body: Loose; headers: Record<string, string> }[]
  /** Answers a request instead of the cluster: throw, or return an object. */
  intercept: ((line: string, request: ApiRequest) => Loose | undefined) | undefined
  /** Nothing gets through, watches break. */
  setDown(down: boolean): void
  openWatches(): string[]
  /** Sends a watch event as it is, without the cluster knowing of it. */
  tell(type: string, resource: string, object: Loose): void
  /** Ends every watch, as a server that restarts does. */
  cutWatches(): void
  /** Tells every watch that its version is too old. */
  expireWatches(): void
}

interface Where {
  resource: string
  namespace: string | undefined
  name: string | undefined
  subresource: string | undefined
}

const clusterScoped = new Set(['namespaces', 'nodes'])
const kinds: Record<string, string> = {
  pods: 'Pod',
  secrets: 'Secret',
  configmaps: 'ConfigMap',
  services: 'Service',
  events: 'Event',
  namespaces: 'Namespace',
  nodes: 'Node',
  leases: 'Lease',
}

function locate(path: readonly string[]): Where {
  const rest = path[0] === 'api' ? path.slice(2) : path.slice(3)
  if (rest[0] === 'namespaces' && rest.length >= 3) {
    return { namespace: rest[1], resource: rest[2] ?? '', name: rest[3], subresource: rest[4] }
  }
  return { namespace: undefined, resource: rest[0] ?? '', name: rest[1], subresource: rest[2] }
}

export function apiError(code: number, reason: string, message = reason, causes?: Loose[]): KubeApiError {
  const details = causes ? { causes } : undefined
  return new KubeApiError(code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason,
    message,
    details,
    code,
  })
}

/** An API server in memory, as far as the agent goes: CRUD, patches, watches, preconditions, grace. */
export function createFakeCluster(): FakeCluster {
  const objects = new Map<string, Loose>()
  const watches = new Set<{ where: Where; query: Loose; out: PassThrough }>()
  /** What was dropped, for watches that resume from before. */
  const graves: Loose[] = []
  let version = 100
  let down = false

  const keyOf = (resource: string, namespace: string | undefined, name: string) =>
    `${resource}/${clusterScoped.has(resource) ? '' : (namespace ?? '')}/${name}`

  const fieldsOf = (object: Loose) => (field: string) => {
    const value = field.split('.').reduce((at: Loose, part) => at?.[part], object)
    return value === undefined ? '' : String(value)
  }

  function selects(where: Where, query: Loose, object: Loose): boolean {
    if (object.__resource !== where.resource) return false
    if (where.namespace && object.metadata.namespace !== where.namespace) return false
    const selector = query?.fieldSelector
    return !selector || matchesFields(parseFieldSelector(String(selector)), fieldsOf(object))
  }

  const visible = ({ __resource, ...object }: Loose) => structuredClone(object)

  function tell(type: string, object: Loose): void {
    for (const { where, query, out } of watches) {
      if (selects(where, query, object)) out.write(`${JSON.stringify({ type, object: visible(object) })}\n`)
    }
  }

  function store(type: 'ADDED' | 'MODIFIED', object: Loose): Loose {
    version += 1
    object.metadata.resourceVersion = String(version)
    objects.set(keyOf(object.__resource, object.metadata.namespace, object.metadata.name), object)
    tell(type, object)
    return object
  }

  function seed(resource: string, object: Loose): Loose {
    const made = structuredClone(object)
    made.__resource = resource
    made.kind ??= kinds[resource]
    made.apiVersion ??= 'v1'
    made.metadata.uid ??= randomUUID()
    made.metadata.creationTimestamp ??= new Date().toISOString()
    if (resource === 'pods') {
      made.status ??= { phase: 'Pending' }
      made.metadata.generation ??= 1
    }
    return visible(store('ADDED', made))
  }

  function drop(resource: string, namespace: string | undefined, name: string): void {
    const key = keyOf(resource, namespace, name)
    const object = objects.get(key)
    if (!object) return
    objects.delete(key)
    version += 1
    object.metadata.resourceVersion = String(version)
    graves.push(structuredClone(object))
    tell('DELETED', object)
  }

  function find({ resource, namespace, name }: Where): Loose {
    const object = objects.get(keyOf(resource, namespace, name ?? ''))
    if (!object) throw apiError(404, 'NotFound', `${resource} "${name}" not found`)
    return object
  }

  function create(where: Where, body: Loose): Loose {
    if (where.subresource || ['tokenreviews', 'subjectaccessreviews'].includes(where.resource)) return body
    const name = body.metadata.name
    if (objects.has(keyOf(where.resource, where.namespace, name))) {
      throw apiError(409, 'AlreadyExists', `${where.resource} "${name}" already exists`)
    }
    const metadata = { ...body.metadata, ...(where.namespace ? { namespace: where.namespace } : {}) }
    return seed(where.resource, { ...body, metadata })
  }

  function replace(where: Where, body: Loose): Loose {
    const present = find(where)
    const wanted = body.metadata?.resourceVersion
    if (wanted && wanted !== present.metadata.resourceVersion) throw apiError(409, 'Conflict')
    if (present.immutable) throw apiError(422, 'Invalid', 'field is immutable when `immutable` is set')
    const metadata = {
      ...body.metadata,
      uid: present.metadata.uid,
      creationTimestamp: present.metadata.creationTimestamp,
    }
    return visible(store('MODIFIED', { ...structuredClone(body), metadata, __resource: where.resource }))
  }

  function patch(where: Where, request: ApiRequest): Loose {
    const present = find(where)
    const body = request.body as Loose
    if (body.metadata?.uid && body.metadata.uid !== present.metadata.uid)
      throw apiError(422, 'Invalid', 'uid')
    const contentType = request.headers?.['content-type'] ?? ''
    const document = visible(present) as JsonObject
    const result = applyPatch({
      contentType,
      kind: `v1/${present.kind}`,
      document,
      patch: body as JsonValue,
    }) as Loose
    if (JSON.stringify(result) === JSON.stringify(document)) return visible(present)
    if (
      where.resource === 'pods' &&
      !where.subresource &&
      JSON.stringify(result.spec) !== JSON.stringify(present.spec)
    ) {
      result.metadata.generation += 1
    }
    return visible(store('MODIFIED', { ...result, __resource: where.resource }))
  }

  function remove(where: Where, body: Loose): Loose {
    const object = find(where)
    const uid = body?.preconditions?.uid
    if (uid && uid !== object.metadata.uid) throw apiError(409, 'Conflict', 'uid')
    const grace = body?.gracePeriodSeconds
    const held = (object.metadata.finalizers ?? []).length > 0
    const terminal = ['Succeeded', 'Failed'].includes(object.status?.phase)
    if (where.resource === 'pods' && (held || (grace !== 0 && !terminal))) {
      object.metadata.deletionTimestamp = new Date().toISOString()
      object.metadata.deletionGracePeriodSeconds = grace ?? 30
      return visible(store('MODIFIED', object))
    }
    if (where.resource === 'pods' && !terminal) {
      // As an API server: the grace of 0 is written, and told, before the object goes.
      object.metadata.deletionTimestamp = new Date().toISOString()
      object.metadata.deletionGracePeriodSeconds = 0
      store('MODIFIED', object)
    }
    drop(where.resource, where.namespace, where.name ?? '')
    return visible(object)
  }

  function list(where: Where, query: Loose): Loose {
    const items = [...objects.values()].filter((object) => selects(where, query, object)).map(visible)
    return { kind: 'List', metadata: { resourceVersion: String(version) }, items }
  }

  function watch(where: Where, query: Loose, signal: AbortSignal | undefined): ApiResponse {
    signal?.throwIfAborted()
    const out = new PassThrough()
    const entry = { where, query, out }
    watches.add(entry)
    // What changed since the version: the latest of each object, told as modified, and what went.
    const since = [...objects.values(), ...graves]
      .filter((object) => Number(object.metadata.resourceVersion) > Number(query.resourceVersion))
      .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    for (const object of since) {
      const type = graves.includes(object) ? 'DELETED' : 'MODIFIED'
      if (selects(where, query, object)) out.write(`${JSON.stringify({ type, object: visible(object) })}\n`)
    }
    const end = () => {
      watches.delete(entry)
      out.destroy()
    }
    signal?.addEventListener('abort', end, { once: true })
    out.once('close', end)
    return { status: 200, headers: {}, body: out }
  }

  function lineOf(request: ApiRequest, where: Where): string {
    const parts = [where.resource, where.namespace, where.name, where.subresource].filter(
      (part) => part !== undefined,
    )
    return `${request.method} ${parts.join('/')}`
  }

  async function handle(request: ApiRequest): Promise<Loose> {
    if (down) throw new KubeUnreachableError('the fake is down', undefined)
    const where = locate(request.path)
    const line = lineOf(request, where)
    cluster.requests.push({ line, body: structuredClone(request.body), headers: request.headers ?? {} })
    const answer = await cluster.intercept?.(line, request)
    if (answer !== undefined) return answer
    if (request.method === 'POST') return create(where, request.body)
    if (request.method === 'PUT') return replace(where, request.body)
    if (request.method === 'PATCH') return patch(where, request)
    if (request.method === 'DELETE') return remove(where, request.body)
    return where.name ? visible(find(where)) : list(where, request.query)
  }

  const cluster: FakeCluster = {
    requests: [],
    intercept: undefined,
    seed,
    drop,
    update(resource, namespace, name, change) {
      const object = objects.get(keyOf(resource, namespace, name))
      if (!object) throw new Error(`no ${resource} ${namespace}/${name}`)
      change(object)
      return visible(store('MODIFIED', object))
    },
    get(resource, namespace, name) {
      const object = objects.get(keyOf(resource, namespace, name))
      return object && visible(object)
    },
    all: (resource) => [...objects.values()].filter((object) => object.__resource === resource).map(visible),
    setDown(next) {
      down = next
      if (down) for (const { out } of [...watches]) out.destroy(new Error('reset'))
    },
    openWatches: () =>
      [...watches].map(
        ({ where, query }) => `${where.resource}/${where.namespace ?? ''} ${query.fieldSelector ?? ''}`,
      ),
    tell: (type, resource, object) => tell(type, { ...object, __resource: resource }),
    expireWatches() {
      const { status } = apiError(410, 'Expired', 'too old resource version')
      for (const { out } of [...watches]) out.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
    },
    cutWatches() {
      for (const { out } of [...watches]) out.end()
    },
    json: (request) => handle(request) as Promise<never>,
    async send(request) {
      if (request.query?.['watch'] !== undefined) {
        if (down) throw new KubeUnreachableError('the fake is down', undefined)
        return watch(locate(request.path), request.query, request.signal)
      }
      const body = await handle(request)
      return { status: 200, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(body))]) }
    },
    upgrade: () => Promise.reject(new Error('the fake does not upgrade')),
    async close() {
      for (const { out } of [...watches]) out.destroy()
    },
  }
  return cluster
}
