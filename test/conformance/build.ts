import { KUBERNETES_VERSIONS, versionFlags } from '../kubernetes/harness/build.ts'
import { type BuildOptions, buildModule } from '../kubernetes/harness/go-build.ts'

/** The version whose suite judges: the same as the clusters'. */
export const SUITE_VERSION = KUBERNETES_VERSIONS['1.36'].version

/** Absolute paths of what the run needs beside the clusters' own binaries. */
export interface SuiteBinaries {
  /** Upstream's test binary. */
  e2e: string
  /** Ginkgo's command line, of the version that the suite is built with. */
  ginkgo: string
  /** Static programs for the images of the suite's pods. */
  agnhost: string
  curl: string
  nnp: string
}

/**
 * Builds upstream's suite and what its pods run, or finds them in the cache. About 5 minutes on 2 cores with
 * Kubernetes' own packages compiled already, nothing when warm. Idempotent.
 */
export async function buildSuite(options: BuildOptions): Promise<SuiteBinaries> {
  const module = (output: string, name: string, more: { test?: boolean; flags?: string } = {}) =>
    buildModule({ ...options, module: 'conformance', version: SUITE_VERSION, output, package: name, ...more })
  const image = (output: string) =>
    buildModule({ ...options, module: 'images', version: '1', output, package: `./${output}` })
  const flags = versionFlags(SUITE_VERSION)
  return {
    e2e: await module('e2e.test', 'k8s.io/kubernetes/test/e2e', { test: true, flags }),
    ginkgo: await module('ginkgo', 'github.com/onsi/ginkgo/v2/ginkgo', { flags }),
    agnhost: await module('agnhost', 'k8s.io/kubernetes/test/images/agnhost', { flags }),
    curl: await image('curl'),
    nnp: await image('nnp'),
  }
}
