export { inClusterTarget, tokenFromFile } from './in-cluster.ts'
export { loadOwnKubeconfig, type OwnKubeconfig, type OwnKubeconfigOptions } from './load-own.ts'
export { parseKubeconfig } from './parse-kubeconfig.ts'
