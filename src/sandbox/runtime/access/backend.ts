import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import { StreamError } from '../../../protocol/streams/index.ts'
import type { PodBackend, PodUpgradeRequest } from '../../ports.ts'
import type { Pod } from '../types.ts'
import { serveAttach } from './attach.ts'
import { serveExec } from './exec.ts'
import { type FindRecords, runningInstance } from './find-instance.ts'
import { openLogs } from './logs.ts'
import { serveForward } from './port-forward.ts'

export interface PodBackendOptions {
  find: FindRecords
  clock: Clock
  logger: Logger
  podIP: string
}

/** Logs, exec, attach and port-forward of the pods that run here. */
export function createPodBackend({ find, clock, logger, podIP }: PodBackendOptions): PodBackend {
  const serve = (request: PodUpgradeRequest): Promise<void> => {
    if (request.verb === 'portforward') return serveForward(request, podIP)
    const instance = runningInstance(find, request.pod as unknown as Pod, request.container)
    return request.verb === 'exec' ? serveExec(request, instance) : serveAttach(request, instance)
  }
  return {
    async logs(request) {
      const records = find((request.pod as unknown as Pod).metadata.uid)
      return openLogs(request, records?.get(request.container), clock.now())
    },
    async upgrade(request) {
      try {
        await serve(request)
      } catch (error) {
        // the client has been answered, or has gone: nobody is left to be told
        if (!(error instanceof StreamError)) throw error
        logger.debug({ err: error, verb: request.verb }, 'a stream ended early')
      }
    },
  }
}
