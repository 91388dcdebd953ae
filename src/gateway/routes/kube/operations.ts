import type { FastifyReply } from 'fastify'
import type { Verb } from '../../kubernetes/resources.ts'
import type { KubeAnswer, KubeCall } from './call.ts'
import type { KubernetesFaceDeps } from './deps.ts'
import { getEvent } from './events/get.ts'
import { patchNamespace, updateNamespace } from './namespaces/change.ts'
import { createNamespace } from './namespaces/create.ts'
import { deleteNamespace } from './namespaces/delete.ts'
import { getNamespace } from './namespaces/get.ts'
import { createObject } from './objects/create.ts'
import { deleteObject } from './objects/delete.ts'
import { deleteCollection } from './objects/delete-collection.ts'
import { getObject } from './objects/get.ts'
import { listObjects } from './objects/list.ts'
import { patchObject } from './objects/patch.ts'
import { updateObject } from './objects/update.ts'
import { watchObjects } from './objects/watch.ts'
import { changePodStatus } from './pods/change-status.ts'
import { createPod } from './pods/create.ts'
import { changeEphemeralContainers } from './pods/ephemeral-containers.ts'
import { evictPod } from './pods/evict.ts'
import { getLog } from './pods/log.ts'
import { needsUpgrade } from './pods/needs-upgrade.ts'
import { resizePod } from './pods/resize.ts'
import { reviewAccess } from './reviews/self-subject-access-review.ts'
import { reviewSelf } from './reviews/self-subject-review.ts'

/** One operation. Without an answer it has written to the reply itself. */
export type Operation = (
  call: KubeCall,
  deps: KubernetesFaceDeps,
  reply: FastifyReply,
) => Promise<KubeAnswer | undefined> | Promise<void>

type Operations = Partial<Record<Verb, Operation>>

const plain: Operations = {
  get: getObject,
  list: listObjects,
  watch: watchObjects,
  create: createObject,
  update: updateObject,
  patch: patchObject,
  delete: deleteObject,
  deletecollection: deleteCollection,
}

const readEvents: Operations = { get: getEvent, list: listObjects, watch: watchObjects }

/** What each resource and subresource of the table in kubernetes/resources.ts does. */
export const operations: Readonly<Record<string, Operations>> = {
  configmaps: plain,
  secrets: plain,
  pods: { ...plain, create: createPod },
  'pods/log': { get: getLog },
  'pods/eviction': { create: evictPod },
  'pods/status': { get: getObject, update: changePodStatus, patch: changePodStatus },
  'pods/resize': { get: getObject, update: resizePod, patch: resizePod },
  'pods/ephemeralcontainers': {
    get: getObject,
    update: changeEphemeralContainers,
    patch: changeEphemeralContainers,
  },
  'pods/exec': { get: needsUpgrade, create: needsUpgrade },
  'pods/attach': { get: needsUpgrade, create: needsUpgrade },
  'pods/portforward': { get: needsUpgrade, create: needsUpgrade },
  namespaces: {
    get: getNamespace,
    list: listObjects,
    watch: watchObjects,
    create: createNamespace,
    update: updateNamespace,
    patch: patchNamespace,
    delete: deleteNamespace,
  },
  events: readEvents,
  'events.events.k8s.io': readEvents,
  'selfsubjectreviews.authentication.k8s.io': { create: reviewSelf },
  'selfsubjectaccessreviews.authorization.k8s.io': { create: reviewAccess },
}
