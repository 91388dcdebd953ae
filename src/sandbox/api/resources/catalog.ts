import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { StoreTraits } from '../../store/traits.ts'
import { clusterKinds } from './cluster-kinds.ts'
import { coreKinds } from './core-kinds.ts'
import { type ResourceDefinition, resourceName, traitsOf } from './definition.ts'
import { workloadKinds } from './workload-kinds.ts'

/** A resource whose objects are answered and never stored: only POST. */
export interface ReviewDefinition {
  group: string
  version: 'v1'
  kind: string
  plural: string
  singular: string
  namespaced: boolean
}

const review = (group: string, kind: string, namespaced = false): ReviewDefinition => ({
  group,
  version: 'v1',
  kind,
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  namespaced,
})

/** Everything that is stored. */
export const resources: readonly ResourceDefinition[] = [...coreKinds, ...workloadKinds, ...clusterKinds]

/** Everything that is only answered. */
export const reviews: readonly ReviewDefinition[] = [
  review('authentication.k8s.io', 'TokenReview'),
  review('authentication.k8s.io', 'SelfSubjectReview'),
  review('authorization.k8s.io', 'SubjectAccessReview'),
  review('authorization.k8s.io', 'SelfSubjectAccessReview'),
  review('authorization.k8s.io', 'SelfSubjectRulesReview'),
  review('authorization.k8s.io', 'LocalSubjectAccessReview', true),
]

/** Groups that only a subresource uses (the eviction's body), shown in discovery without resources. */
export const emptyGroups = ['policy'] as const

const byName = new Map(resources.map((definition) => [resourceName(definition), definition]))

/** The definition of `pods`, `deployments.apps`… */
export function findResource(group: string, plural: string): ResourceDefinition | undefined {
  return byName.get(group ? `${plural}.${group}` : plural)
}

/** The store's view of the catalog. @throws not_found for a resource that is not served. */
export function storeTraits(resource: string): StoreTraits {
  const definition = byName.get(resource)
  if (!definition) throw new IsthmusError('not_found', `the server does not serve ${resource}`)
  return traitsOf(definition)
}
