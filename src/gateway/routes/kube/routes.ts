import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import {
  groupVersion,
  qualifiedName,
  type Resource,
  servedResources,
  type Verb,
} from '../../kubernetes/resources.ts'
import type { CutOffs } from './cut-offs.ts'
import type { KubernetesFaceDeps } from './deps.ts'
import { notServed } from './errors.ts'
import { operations } from './operations.ts'
import { runOperation } from './run.ts'
import './fastify-types.ts'

const METHODS: HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

type Verbs = Partial<Record<HTTPMethods, readonly Verb[]>>

/** Verbs by method, for collections and for single objects. The first that the resource has is taken. */
const collectionVerbs: Verbs = { GET: ['list'], POST: ['create'], DELETE: ['deletecollection'] }
const objectVerbs: Verbs = { GET: ['get'], PUT: ['update'], PATCH: ['patch'], DELETE: ['delete'] }
const subresourceVerbs: Verbs = { ...objectVerbs, POST: ['create'] }

/** Makes the routes of everything in the table of resources, and the 404 for everything else. */
export function registerRoutes(scope: FastifyInstance, deps: KubernetesFaceDeps, cutOffs: CutOffs): void {
  const add = (url: string, resource: Resource, verbs: Verbs, subresource?: string) =>
    scope.route({
      method: METHODS,
      url,
      exposeHeadRoute: false,
      handler: (request, reply) => {
        const served = subresource === undefined ? resource.verbs : subresourceOf(resource, subresource)
        const verb = verbs[request.method as HTTPMethods]?.find((one) => served.includes(one))
        if (verb === undefined) throw notAllowed()
        return run(request, reply, { resource, subresource, verb })
      },
    })
  const run = (request: FastifyRequest, reply: FastifyReply, target: Target) => {
    const verb = target.verb === 'list' && isWatch(request) ? 'watch' : target.verb
    const key = `${qualifiedName(target.resource)}${target.subresource ? `/${target.subresource}` : ''}`
    const operation = operations[key]?.[verb]
    if (operation === undefined) throw notServed(request)
    return runOperation({ request, reply, deps, cutOffs, operation, target: { ...target, verb } })
  }

  for (const resource of servedResources) {
    const base = resource.group === '' ? `/api/${resource.version}` : `/apis/${groupVersion(resource)}`
    const all = `${base}/${resource.name}`
    const collection = resource.namespaced ? `${base}/namespaces/:namespace/${resource.name}` : all
    if (resource.namespaced) add(all, resource, { GET: ['list'] })
    add(collection, resource, collectionVerbs)
    add(`${collection}/:name`, resource, objectVerbs)
    for (const sub of resource.subresources ?? []) {
      add(`${collection}/:name/${sub.name}`, resource, subresourceVerbs, sub.name)
    }
  }
  for (const url of ['/api/*', '/apis/*', '/openapi/*']) {
    scope.route({
      method: METHODS,
      url,
      exposeHeadRoute: false,
      handler: (request) => {
        throw notServed(request)
      },
    })
  }
}

export interface Target {
  resource: Resource
  subresource?: string
  verb: Verb
}

function subresourceOf(resource: Resource, name: string): readonly Verb[] {
  return resource.subresources?.find((sub) => sub.name === name)?.verbs ?? []
}

function isWatch(request: FastifyRequest): boolean {
  const value = new URLSearchParams(request.url.split('?')[1] ?? '').get('watch')
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

function notAllowed(): IsthmusError {
  return new IsthmusError(
    'method_not_allowed',
    'the server does not allow this method on the requested resource',
  )
}
