/**
 * Jest's Node environment around an ordinary global object. The usual one intercepts every access to a global:
 * number crunching, which reads Math and typed arrays all the time, runs ten times slower behind it.
 */
import vm from "node:vm";
import { TestEnvironment } from "jest-environment-node";

export default class OrdinaryGlobalEnvironment extends TestEnvironment {
  constructor(config, context) {
    const { createContext } = vm;
    // The base class takes no option for the kind of its context.
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
  }
}
