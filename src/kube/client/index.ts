export { createKubeClient, type KubeClientOptions } from './create-client.ts'
export * from './types.ts'
