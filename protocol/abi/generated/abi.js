/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars*/
import $protobuf from "protobufjs/minimal.js";

const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;

const $root = $protobuf.roots["retile-abi"] || ($protobuf.roots["retile-abi"] = {});

export const retile = $root.retile = (() => {

    const retile = {};

    retile.abi = (function() {

        const abi = {};

        abi.Request = (function() {

            function Request(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Request.prototype.id = 0;
            Request.prototype.describe = null;
            Request.prototype.compile = null;
            Request.prototype.reference = null;
            Request.prototype.cancel = null;

            let $oneOfFields;

            Object.defineProperty(Request.prototype, "call", {
                get: $util.oneOfGetter($oneOfFields = ["describe", "compile", "reference", "cancel"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            Request.create = function create(properties) {
                return new Request(properties);
            };

            Request.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.id != null && Object.hasOwnProperty.call(message, "id"))
                    writer.uint32(8).uint32(message.id);
                if (message.describe != null && Object.hasOwnProperty.call(message, "describe"))
                    $root.retile.abi.Describe.encode(message.describe, writer.uint32(18).fork(), q + 1).ldelim();
                if (message.compile != null && Object.hasOwnProperty.call(message, "compile"))
                    $root.retile.abi.Compile.encode(message.compile, writer.uint32(26).fork(), q + 1).ldelim();
                if (message.reference != null && Object.hasOwnProperty.call(message, "reference"))
                    $root.retile.abi.Reference.encode(message.reference, writer.uint32(34).fork(), q + 1).ldelim();
                if (message.cancel != null && Object.hasOwnProperty.call(message, "cancel"))
                    $root.retile.abi.Cancel.encode(message.cancel, writer.uint32(42).fork(), q + 1).ldelim();
                return writer;
            };

            Request.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Request();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.id = reader.uint32();
                            break;
                        }
                    case 2: {
                            message.describe = $root.retile.abi.Describe.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 3: {
                            message.compile = $root.retile.abi.Compile.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 4: {
                            message.reference = $root.retile.abi.Reference.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 5: {
                            message.cancel = $root.retile.abi.Cancel.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Request;
        })();

        abi.Describe = (function() {

            function Describe(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Describe.create = function create(properties) {
                return new Describe(properties);
            };

            Describe.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                return writer;
            };

            Describe.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Describe();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Describe;
        })();

        abi.Compile = (function() {

            function Compile(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Compile.prototype.model = null;
            Compile.prototype.soc = "";
            Compile.prototype.options = null;

            Compile.create = function create(properties) {
                return new Compile(properties);
            };

            Compile.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.model != null && Object.hasOwnProperty.call(message, "model"))
                    $root.retile.abi.Model.encode(message.model, writer.uint32(10).fork(), q + 1).ldelim();
                if (message.soc != null && Object.hasOwnProperty.call(message, "soc"))
                    writer.uint32(18).string(message.soc);
                if (message.options != null && Object.hasOwnProperty.call(message, "options"))
                    $root.retile.abi.Options.encode(message.options, writer.uint32(26).fork(), q + 1).ldelim();
                return writer;
            };

            Compile.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Compile();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.model = $root.retile.abi.Model.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 2: {
                            message.soc = reader.string();
                            break;
                        }
                    case 3: {
                            message.options = $root.retile.abi.Options.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Compile;
        })();

        abi.Model = (function() {

            function Model(properties) {
                this.inputShapes = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Model.prototype.format = "";
            Model.prototype.sha256 = "";
            Model.prototype.name = "";
            Model.prototype.inputShapes = $util.emptyArray;

            Model.create = function create(properties) {
                return new Model(properties);
            };

            Model.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.format != null && Object.hasOwnProperty.call(message, "format"))
                    writer.uint32(10).string(message.format);
                if (message.sha256 != null && Object.hasOwnProperty.call(message, "sha256"))
                    writer.uint32(18).string(message.sha256);
                if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                    writer.uint32(26).string(message.name);
                if (message.inputShapes != null && message.inputShapes.length)
                    for (let i = 0; i < message.inputShapes.length; ++i)
                        $root.retile.abi.BoundShape.encode(message.inputShapes[i], writer.uint32(34).fork(), q + 1).ldelim();
                return writer;
            };

            Model.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Model();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.format = reader.string();
                            break;
                        }
                    case 2: {
                            message.sha256 = reader.string();
                            break;
                        }
                    case 3: {
                            message.name = reader.string();
                            break;
                        }
                    case 4: {
                            if (!(message.inputShapes && message.inputShapes.length))
                                message.inputShapes = [];
                            message.inputShapes.push($root.retile.abi.BoundShape.decode(reader, reader.uint32(), undefined, long + 1));
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Model;
        })();

        abi.BoundShape = (function() {

            function BoundShape(properties) {
                this.shape = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            BoundShape.prototype.input = "";
            BoundShape.prototype.shape = $util.emptyArray;

            BoundShape.create = function create(properties) {
                return new BoundShape(properties);
            };

            BoundShape.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.input != null && Object.hasOwnProperty.call(message, "input"))
                    writer.uint32(10).string(message.input);
                if (message.shape != null && message.shape.length) {
                    writer.uint32(18).fork();
                    for (let i = 0; i < message.shape.length; ++i)
                        writer.uint32(message.shape[i]);
                    writer.ldelim();
                }
                return writer;
            };

            BoundShape.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.BoundShape();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.input = reader.string();
                            break;
                        }
                    case 2: {
                            if (!(message.shape && message.shape.length))
                                message.shape = [];
                            if ((tag & 7) === 2) {
                                let end2 = reader.uint32() + reader.pos;
                                if (end2 > reader.len)
                                    throw RangeError("index out of range");
                                reader.len = end2;
                                while (reader.pos < end2)
                                    message.shape.push(reader.uint32());
                                if (reader.pos !== end2)
                                    throw RangeError("index out of range");
                                reader.len = end;
                            } else
                                message.shape.push(reader.uint32());
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return BoundShape;
        })();

        abi.Options = (function() {

            function Options(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Options.prototype.backend = "";
            Options.prototype.encodingsSha256 = "";
            Options.prototype.dumpAfter = "";

            Options.create = function create(properties) {
                return new Options(properties);
            };

            Options.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.backend != null && Object.hasOwnProperty.call(message, "backend"))
                    writer.uint32(10).string(message.backend);
                if (message.encodingsSha256 != null && Object.hasOwnProperty.call(message, "encodingsSha256"))
                    writer.uint32(18).string(message.encodingsSha256);
                if (message.dumpAfter != null && Object.hasOwnProperty.call(message, "dumpAfter"))
                    writer.uint32(26).string(message.dumpAfter);
                return writer;
            };

            Options.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Options();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.backend = reader.string();
                            break;
                        }
                    case 2: {
                            message.encodingsSha256 = reader.string();
                            break;
                        }
                    case 3: {
                            message.dumpAfter = reader.string();
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Options;
        })();

        abi.Reference = (function() {

            function Reference(properties) {
                this.inputsSha256 = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Reference.prototype.model = null;
            Reference.prototype.inputsSha256 = $util.emptyArray;
            Reference.prototype.calibrate = false;

            Reference.create = function create(properties) {
                return new Reference(properties);
            };

            Reference.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.model != null && Object.hasOwnProperty.call(message, "model"))
                    $root.retile.abi.Model.encode(message.model, writer.uint32(10).fork(), q + 1).ldelim();
                if (message.inputsSha256 != null && message.inputsSha256.length)
                    for (let i = 0; i < message.inputsSha256.length; ++i)
                        writer.uint32(18).string(message.inputsSha256[i]);
                if (message.calibrate != null && Object.hasOwnProperty.call(message, "calibrate"))
                    writer.uint32(24).bool(message.calibrate);
                return writer;
            };

            Reference.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Reference();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.model = $root.retile.abi.Model.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 2: {
                            if (!(message.inputsSha256 && message.inputsSha256.length))
                                message.inputsSha256 = [];
                            message.inputsSha256.push(reader.string());
                            break;
                        }
                    case 3: {
                            message.calibrate = reader.bool();
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Reference;
        })();

        abi.Cancel = (function() {

            function Cancel(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Cancel.create = function create(properties) {
                return new Cancel(properties);
            };

            Cancel.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                return writer;
            };

            Cancel.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Cancel();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Cancel;
        })();

        abi.Reply = (function() {

            function Reply(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Reply.prototype.id = 0;
            Reply.prototype.progress = null;
            Reply.prototype.blob = null;
            Reply.prototype.described = null;
            Reply.prototype.compiled = null;
            Reply.prototype.referenced = null;
            Reply.prototype.failed = null;

            let $oneOfFields;

            Object.defineProperty(Reply.prototype, "outcome", {
                get: $util.oneOfGetter($oneOfFields = ["progress", "blob", "described", "compiled", "referenced", "failed"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            Reply.create = function create(properties) {
                return new Reply(properties);
            };

            Reply.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.id != null && Object.hasOwnProperty.call(message, "id"))
                    writer.uint32(8).uint32(message.id);
                if (message.progress != null && Object.hasOwnProperty.call(message, "progress"))
                    $root.retile.abi.Progress.encode(message.progress, writer.uint32(18).fork(), q + 1).ldelim();
                if (message.blob != null && Object.hasOwnProperty.call(message, "blob"))
                    $root.retile.abi.Blob.encode(message.blob, writer.uint32(26).fork(), q + 1).ldelim();
                if (message.described != null && Object.hasOwnProperty.call(message, "described"))
                    $root.retile.abi.Described.encode(message.described, writer.uint32(34).fork(), q + 1).ldelim();
                if (message.compiled != null && Object.hasOwnProperty.call(message, "compiled"))
                    $root.retile.abi.Compiled.encode(message.compiled, writer.uint32(42).fork(), q + 1).ldelim();
                if (message.referenced != null && Object.hasOwnProperty.call(message, "referenced"))
                    $root.retile.abi.Referenced.encode(message.referenced, writer.uint32(50).fork(), q + 1).ldelim();
                if (message.failed != null && Object.hasOwnProperty.call(message, "failed"))
                    $root.retile.abi.Failed.encode(message.failed, writer.uint32(58).fork(), q + 1).ldelim();
                return writer;
            };

            Reply.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Reply();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.id = reader.uint32();
                            break;
                        }
                    case 2: {
                            message.progress = $root.retile.abi.Progress.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 3: {
                            message.blob = $root.retile.abi.Blob.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 4: {
                            message.described = $root.retile.abi.Described.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 5: {
                            message.compiled = $root.retile.abi.Compiled.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 6: {
                            message.referenced = $root.retile.abi.Referenced.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 7: {
                            message.failed = $root.retile.abi.Failed.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Reply;
        })();

        abi.Progress = (function() {

            function Progress(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Progress.prototype.stage = "";
            Progress.prototype.fraction = 0;

            Progress.create = function create(properties) {
                return new Progress(properties);
            };

            Progress.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.stage != null && Object.hasOwnProperty.call(message, "stage"))
                    writer.uint32(10).string(message.stage);
                if (message.fraction != null && Object.hasOwnProperty.call(message, "fraction"))
                    writer.uint32(17).double(message.fraction);
                return writer;
            };

            Progress.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Progress();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.stage = reader.string();
                            break;
                        }
                    case 2: {
                            message.fraction = reader.double();
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Progress;
        })();

        abi.Blob = (function() {

            function Blob(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Blob.prototype.sha256 = "";
            Blob.prototype.bytes = $util.newBuffer([]);
            Blob.prototype.last = false;

            Blob.create = function create(properties) {
                return new Blob(properties);
            };

            Blob.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.sha256 != null && Object.hasOwnProperty.call(message, "sha256"))
                    writer.uint32(10).string(message.sha256);
                if (message.bytes != null && Object.hasOwnProperty.call(message, "bytes"))
                    writer.uint32(18).bytes(message.bytes);
                if (message.last != null && Object.hasOwnProperty.call(message, "last"))
                    writer.uint32(24).bool(message.last);
                return writer;
            };

            Blob.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Blob();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.sha256 = reader.string();
                            break;
                        }
                    case 2: {
                            message.bytes = reader.bytes();
                            break;
                        }
                    case 3: {
                            message.last = reader.bool();
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Blob;
        })();

        abi.Described = (function() {

            function Described(properties) {
                this.families = [];
                this.formats = [];
                this.passes = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Described.prototype.version = "";
            Described.prototype.abiMajor = 0;
            Described.prototype.abiMinor = 0;
            Described.prototype.isaMajor = 0;
            Described.prototype.isaMinor = 0;
            Described.prototype.families = $util.emptyArray;
            Described.prototype.formats = $util.emptyArray;
            Described.prototype.passes = $util.emptyArray;

            Described.create = function create(properties) {
                return new Described(properties);
            };

            Described.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.version != null && Object.hasOwnProperty.call(message, "version"))
                    writer.uint32(10).string(message.version);
                if (message.abiMajor != null && Object.hasOwnProperty.call(message, "abiMajor"))
                    writer.uint32(16).uint32(message.abiMajor);
                if (message.abiMinor != null && Object.hasOwnProperty.call(message, "abiMinor"))
                    writer.uint32(24).uint32(message.abiMinor);
                if (message.isaMajor != null && Object.hasOwnProperty.call(message, "isaMajor"))
                    writer.uint32(32).uint32(message.isaMajor);
                if (message.isaMinor != null && Object.hasOwnProperty.call(message, "isaMinor"))
                    writer.uint32(40).uint32(message.isaMinor);
                if (message.families != null && message.families.length)
                    for (let i = 0; i < message.families.length; ++i)
                        writer.uint32(50).string(message.families[i]);
                if (message.formats != null && message.formats.length)
                    for (let i = 0; i < message.formats.length; ++i)
                        writer.uint32(58).string(message.formats[i]);
                if (message.passes != null && message.passes.length)
                    for (let i = 0; i < message.passes.length; ++i)
                        writer.uint32(66).string(message.passes[i]);
                return writer;
            };

            Described.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Described();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.version = reader.string();
                            break;
                        }
                    case 2: {
                            message.abiMajor = reader.uint32();
                            break;
                        }
                    case 3: {
                            message.abiMinor = reader.uint32();
                            break;
                        }
                    case 4: {
                            message.isaMajor = reader.uint32();
                            break;
                        }
                    case 5: {
                            message.isaMinor = reader.uint32();
                            break;
                        }
                    case 6: {
                            if (!(message.families && message.families.length))
                                message.families = [];
                            message.families.push(reader.string());
                            break;
                        }
                    case 7: {
                            if (!(message.formats && message.formats.length))
                                message.formats = [];
                            message.formats.push(reader.string());
                            break;
                        }
                    case 8: {
                            if (!(message.passes && message.passes.length))
                                message.passes = [];
                            message.passes.push(reader.string());
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Described;
        })();

        abi.Compiled = (function() {

            function Compiled(properties) {
                this.warnings = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Compiled.prototype.programSha256 = "";
            Compiled.prototype.macs = 0;
            Compiled.prototype.vtcmPeakBytes = 0;
            Compiled.prototype.weightBytes = 0;
            Compiled.prototype.warnings = $util.emptyArray;
            Compiled.prototype.dumpSha256 = "";

            Compiled.create = function create(properties) {
                return new Compiled(properties);
            };

            Compiled.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.programSha256 != null && Object.hasOwnProperty.call(message, "programSha256"))
                    writer.uint32(10).string(message.programSha256);
                if (message.macs != null && Object.hasOwnProperty.call(message, "macs"))
                    writer.uint32(17).double(message.macs);
                if (message.vtcmPeakBytes != null && Object.hasOwnProperty.call(message, "vtcmPeakBytes"))
                    writer.uint32(25).double(message.vtcmPeakBytes);
                if (message.weightBytes != null && Object.hasOwnProperty.call(message, "weightBytes"))
                    writer.uint32(33).double(message.weightBytes);
                if (message.warnings != null && message.warnings.length)
                    for (let i = 0; i < message.warnings.length; ++i)
                        writer.uint32(42).string(message.warnings[i]);
                if (message.dumpSha256 != null && Object.hasOwnProperty.call(message, "dumpSha256"))
                    writer.uint32(50).string(message.dumpSha256);
                return writer;
            };

            Compiled.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Compiled();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.programSha256 = reader.string();
                            break;
                        }
                    case 2: {
                            message.macs = reader.double();
                            break;
                        }
                    case 3: {
                            message.vtcmPeakBytes = reader.double();
                            break;
                        }
                    case 4: {
                            message.weightBytes = reader.double();
                            break;
                        }
                    case 5: {
                            if (!(message.warnings && message.warnings.length))
                                message.warnings = [];
                            message.warnings.push(reader.string());
                            break;
                        }
                    case 6: {
                            message.dumpSha256 = reader.string();
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Compiled;
        })();

        abi.Referenced = (function() {

            function Referenced(properties) {
                this.outputsSha256 = [];
                this.inputs = [];
                this.outputs = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Referenced.prototype.outputsSha256 = $util.emptyArray;
            Referenced.prototype.encodingsSha256 = "";
            Referenced.prototype.inputs = $util.emptyArray;
            Referenced.prototype.outputs = $util.emptyArray;

            Referenced.create = function create(properties) {
                return new Referenced(properties);
            };

            Referenced.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.outputsSha256 != null && message.outputsSha256.length)
                    for (let i = 0; i < message.outputsSha256.length; ++i)
                        writer.uint32(10).string(message.outputsSha256[i]);
                if (message.encodingsSha256 != null && Object.hasOwnProperty.call(message, "encodingsSha256"))
                    writer.uint32(18).string(message.encodingsSha256);
                if (message.inputs != null && message.inputs.length)
                    for (let i = 0; i < message.inputs.length; ++i)
                        $root.retile.abi.PortType.encode(message.inputs[i], writer.uint32(26).fork(), q + 1).ldelim();
                if (message.outputs != null && message.outputs.length)
                    for (let i = 0; i < message.outputs.length; ++i)
                        $root.retile.abi.PortType.encode(message.outputs[i], writer.uint32(34).fork(), q + 1).ldelim();
                return writer;
            };

            Referenced.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Referenced();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            if (!(message.outputsSha256 && message.outputsSha256.length))
                                message.outputsSha256 = [];
                            message.outputsSha256.push(reader.string());
                            break;
                        }
                    case 2: {
                            message.encodingsSha256 = reader.string();
                            break;
                        }
                    case 3: {
                            if (!(message.inputs && message.inputs.length))
                                message.inputs = [];
                            message.inputs.push($root.retile.abi.PortType.decode(reader, reader.uint32(), undefined, long + 1));
                            break;
                        }
                    case 4: {
                            if (!(message.outputs && message.outputs.length))
                                message.outputs = [];
                            message.outputs.push($root.retile.abi.PortType.decode(reader, reader.uint32(), undefined, long + 1));
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Referenced;
        })();

        abi.PortType = (function() {

            function PortType(properties) {
                this.shape = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            PortType.prototype.name = "";
            PortType.prototype.dtype = "";
            PortType.prototype.shape = $util.emptyArray;

            PortType.create = function create(properties) {
                return new PortType(properties);
            };

            PortType.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                    writer.uint32(10).string(message.name);
                if (message.dtype != null && Object.hasOwnProperty.call(message, "dtype"))
                    writer.uint32(18).string(message.dtype);
                if (message.shape != null && message.shape.length) {
                    writer.uint32(26).fork();
                    for (let i = 0; i < message.shape.length; ++i)
                        writer.uint32(message.shape[i]);
                    writer.ldelim();
                }
                return writer;
            };

            PortType.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.PortType();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.name = reader.string();
                            break;
                        }
                    case 2: {
                            message.dtype = reader.string();
                            break;
                        }
                    case 3: {
                            if (!(message.shape && message.shape.length))
                                message.shape = [];
                            if ((tag & 7) === 2) {
                                let end2 = reader.uint32() + reader.pos;
                                if (end2 > reader.len)
                                    throw RangeError("index out of range");
                                reader.len = end2;
                                while (reader.pos < end2)
                                    message.shape.push(reader.uint32());
                                if (reader.pos !== end2)
                                    throw RangeError("index out of range");
                                reader.len = end;
                            } else
                                message.shape.push(reader.uint32());
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return PortType;
        })();

        abi.Failed = (function() {

            function Failed(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Failed.prototype.code = "";
            Failed.prototype.message = "";
            Failed.prototype.where = "";

            Failed.create = function create(properties) {
                return new Failed(properties);
            };

            Failed.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.code != null && Object.hasOwnProperty.call(message, "code"))
                    writer.uint32(10).string(message.code);
                if (message.message != null && Object.hasOwnProperty.call(message, "message"))
                    writer.uint32(18).string(message.message);
                if (message.where != null && Object.hasOwnProperty.call(message, "where"))
                    writer.uint32(26).string(message.where);
                return writer;
            };

            Failed.decode = function decode(reader, length, error, long) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (long === undefined)
                    long = 0;
                if (long > $Reader.recursionLimit)
                    throw Error("maximum nesting depth exceeded");
                let end, message;
                if (length === undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = new $root.retile.abi.Failed();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.code = reader.string();
                            break;
                        }
                    case 2: {
                            message.message = reader.string();
                            break;
                        }
                    case 3: {
                            message.where = reader.string();
                            break;
                        }
                    default:
                        reader.skipType(tag & 7, long);
                        break;
                    }
                }
                if (length !== undefined) {
                    if (reader.pos !== end)
                        throw RangeError("index out of range");
                    reader.len = length;
                }
                return message;
            };

            return Failed;
        })();

        return abi;
    })();

    return retile;
})();

export { $root as default };
