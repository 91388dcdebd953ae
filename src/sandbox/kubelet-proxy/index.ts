export { createKubeletProxy, type KubeletProxy, type KubeletProxyOptions } from './proxy.ts'
