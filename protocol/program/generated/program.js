/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars*/
import $protobuf from "protobufjs/minimal.js";

const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;

const $root = $protobuf.roots["retile-program"] || ($protobuf.roots["retile-program"] = {});

export const retile = $root.retile = (() => {

    const retile = {};

    retile.program = (function() {

        const program = {};

        program.Header = (function() {

            function Header(properties) {
                this.regions = [];
                this.inputs = [];
                this.outputs = [];
                this.origins = [];
                this.segments = [];
                this.tensors = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Header.prototype.isaMajor = 0;
            Header.prototype.isaMinor = 0;
            Header.prototype.soc = "";
            Header.prototype.modelName = "";
            Header.prototype.modelSha256 = "";
            Header.prototype.driverVersion = "";
            Header.prototype.options = "";
            Header.prototype.regions = $util.emptyArray;
            Header.prototype.inputs = $util.emptyArray;
            Header.prototype.outputs = $util.emptyArray;
            Header.prototype.origins = $util.emptyArray;
            Header.prototype.segments = $util.emptyArray;
            Header.prototype.counters = null;
            Header.prototype.tensors = $util.emptyArray;

            Header.create = function create(properties) {
                return new Header(properties);
            };

            Header.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.isaMajor != null && Object.hasOwnProperty.call(message, "isaMajor"))
                    writer.uint32(8).uint32(message.isaMajor);
                if (message.isaMinor != null && Object.hasOwnProperty.call(message, "isaMinor"))
                    writer.uint32(16).uint32(message.isaMinor);
                if (message.soc != null && Object.hasOwnProperty.call(message, "soc"))
                    writer.uint32(26).string(message.soc);
                if (message.modelName != null && Object.hasOwnProperty.call(message, "modelName"))
                    writer.uint32(34).string(message.modelName);
                if (message.modelSha256 != null && Object.hasOwnProperty.call(message, "modelSha256"))
                    writer.uint32(42).string(message.modelSha256);
                if (message.driverVersion != null && Object.hasOwnProperty.call(message, "driverVersion"))
                    writer.uint32(50).string(message.driverVersion);
                if (message.options != null && Object.hasOwnProperty.call(message, "options"))
                    writer.uint32(58).string(message.options);
                if (message.regions != null && message.regions.length)
                    for (let i = 0; i < message.regions.length; ++i)
                        $root.retile.program.Region.encode(message.regions[i], writer.uint32(66).fork(), q + 1).ldelim();
                if (message.inputs != null && message.inputs.length)
                    for (let i = 0; i < message.inputs.length; ++i)
                        $root.retile.program.Port.encode(message.inputs[i], writer.uint32(74).fork(), q + 1).ldelim();
                if (message.outputs != null && message.outputs.length)
                    for (let i = 0; i < message.outputs.length; ++i)
                        $root.retile.program.Port.encode(message.outputs[i], writer.uint32(82).fork(), q + 1).ldelim();
                if (message.origins != null && message.origins.length)
                    for (let i = 0; i < message.origins.length; ++i)
                        writer.uint32(90).string(message.origins[i]);
                if (message.segments != null && message.segments.length)
                    for (let i = 0; i < message.segments.length; ++i)
                        $root.retile.program.Segment.encode(message.segments[i], writer.uint32(98).fork(), q + 1).ldelim();
                if (message.counters != null && Object.hasOwnProperty.call(message, "counters"))
                    $root.retile.program.Counters.encode(message.counters, writer.uint32(106).fork(), q + 1).ldelim();
                if (message.tensors != null && message.tensors.length)
                    for (let i = 0; i < message.tensors.length; ++i)
                        $root.retile.program.Port.encode(message.tensors[i], writer.uint32(114).fork(), q + 1).ldelim();
                return writer;
            };

            Header.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.Header();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.isaMajor = reader.uint32();
                            break;
                        }
                    case 2: {
                            message.isaMinor = reader.uint32();
                            break;
                        }
                    case 3: {
                            message.soc = reader.string();
                            break;
                        }
                    case 4: {
                            message.modelName = reader.string();
                            break;
                        }
                    case 5: {
                            message.modelSha256 = reader.string();
                            break;
                        }
                    case 6: {
                            message.driverVersion = reader.string();
                            break;
                        }
                    case 7: {
                            message.options = reader.string();
                            break;
                        }
                    case 8: {
                            if (!(message.regions && message.regions.length))
                                message.regions = [];
                            message.regions.push($root.retile.program.Region.decode(reader, reader.uint32(), undefined, long + 1));
                            break;
                        }
                    case 9: {
                            if (!(message.inputs && message.inputs.length))
                                message.inputs = [];
                            message.inputs.push($root.retile.program.Port.decode(reader, reader.uint32(), undefined, long + 1));
                            break;
                        }
                    case 10: {
                            if (!(message.outputs && message.outputs.length))
                                message.outputs = [];
                            message.outputs.push($root.retile.program.Port.decode(reader, reader.uint32(), undefined, long + 1));
                            break;
                        }
                    case 11: {
                            if (!(message.origins && message.origins.length))
                                message.origins = [];
                            message.origins.push(reader.string());
                            break;
                        }
                    case 12: {
                            if (!(message.segments && message.segments.length))
                                message.segments = [];
                            message.segments.push($root.retile.program.Segment.decode(reader, reader.uint32(), undefined, long + 1));
                            break;
                        }
                    case 13: {
                            message.counters = $root.retile.program.Counters.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 14: {
                            if (!(message.tensors && message.tensors.length))
                                message.tensors = [];
                            message.tensors.push($root.retile.program.Port.decode(reader, reader.uint32(), undefined, long + 1));
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

            return Header;
        })();

        program.Region = (function() {

            function Region(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Region.prototype.kind = 0;
            Region.prototype.bytes = 0;
            Region.prototype.sha256 = "";

            Region.create = function create(properties) {
                return new Region(properties);
            };

            Region.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.kind != null && Object.hasOwnProperty.call(message, "kind"))
                    writer.uint32(8).int32(message.kind);
                if (message.bytes != null && Object.hasOwnProperty.call(message, "bytes"))
                    writer.uint32(16).uint32(message.bytes);
                if (message.sha256 != null && Object.hasOwnProperty.call(message, "sha256"))
                    writer.uint32(26).string(message.sha256);
                return writer;
            };

            Region.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.Region();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.kind = reader.int32();
                            break;
                        }
                    case 2: {
                            message.bytes = reader.uint32();
                            break;
                        }
                    case 3: {
                            message.sha256 = reader.string();
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

            Region.Kind = (function() {
                const valuesById = {}, values = Object.create(valuesById);
                values[valuesById[0] = "VTCM"] = 0;
                values[valuesById[1] = "SCRATCH"] = 1;
                values[valuesById[2] = "WEIGHTS"] = 2;
                values[valuesById[3] = "INPUT"] = 3;
                values[valuesById[4] = "OUTPUT"] = 4;
                values[valuesById[5] = "TENSOR"] = 5;
                return values;
            })();

            return Region;
        })();

        program.Port = (function() {

            function Port(properties) {
                this.shape = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Port.prototype.name = "";
            Port.prototype.dtype = "";
            Port.prototype.shape = $util.emptyArray;
            Port.prototype.region = 0;
            Port.prototype.scale = 0;
            Port.prototype.zeroPoint = 0;
            Port.prototype.rows = 0;
            Port.prototype.columns = 0;
            Port.prototype.channels = 0;
            Port.prototype.element = 0;

            Port.create = function create(properties) {
                return new Port(properties);
            };

            Port.encode = function encode(message, writer, q) {
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
                if (message.region != null && Object.hasOwnProperty.call(message, "region"))
                    writer.uint32(32).uint32(message.region);
                if (message.scale != null && Object.hasOwnProperty.call(message, "scale"))
                    writer.uint32(45).float(message.scale);
                if (message.zeroPoint != null && Object.hasOwnProperty.call(message, "zeroPoint"))
                    writer.uint32(48).int32(message.zeroPoint);
                if (message.rows != null && Object.hasOwnProperty.call(message, "rows"))
                    writer.uint32(56).uint32(message.rows);
                if (message.columns != null && Object.hasOwnProperty.call(message, "columns"))
                    writer.uint32(64).uint32(message.columns);
                if (message.channels != null && Object.hasOwnProperty.call(message, "channels"))
                    writer.uint32(72).uint32(message.channels);
                if (message.element != null && Object.hasOwnProperty.call(message, "element"))
                    writer.uint32(80).uint32(message.element);
                return writer;
            };

            Port.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.Port();
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
                    case 4: {
                            message.region = reader.uint32();
                            break;
                        }
                    case 5: {
                            message.scale = reader.float();
                            break;
                        }
                    case 6: {
                            message.zeroPoint = reader.int32();
                            break;
                        }
                    case 7: {
                            message.rows = reader.uint32();
                            break;
                        }
                    case 8: {
                            message.columns = reader.uint32();
                            break;
                        }
                    case 9: {
                            message.channels = reader.uint32();
                            break;
                        }
                    case 10: {
                            message.element = reader.uint32();
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

            return Port;
        })();

        program.Segment = (function() {

            function Segment(properties) {
                this.reads = [];
                this.writes = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Segment.prototype.htp = null;
            Segment.prototype.cpu = null;
            Segment.prototype.reads = $util.emptyArray;
            Segment.prototype.writes = $util.emptyArray;

            let $oneOfFields;

            Object.defineProperty(Segment.prototype, "kind", {
                get: $util.oneOfGetter($oneOfFields = ["htp", "cpu"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            Segment.create = function create(properties) {
                return new Segment(properties);
            };

            Segment.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.htp != null && Object.hasOwnProperty.call(message, "htp"))
                    $root.retile.program.Htp.encode(message.htp, writer.uint32(10).fork(), q + 1).ldelim();
                if (message.cpu != null && Object.hasOwnProperty.call(message, "cpu"))
                    $root.retile.program.Cpu.encode(message.cpu, writer.uint32(18).fork(), q + 1).ldelim();
                if (message.reads != null && message.reads.length)
                    for (let i = 0; i < message.reads.length; ++i)
                        writer.uint32(34).string(message.reads[i]);
                if (message.writes != null && message.writes.length)
                    for (let i = 0; i < message.writes.length; ++i)
                        writer.uint32(42).string(message.writes[i]);
                return writer;
            };

            Segment.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.Segment();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.htp = $root.retile.program.Htp.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 2: {
                            message.cpu = $root.retile.program.Cpu.decode(reader, reader.uint32(), undefined, long + 1);
                            break;
                        }
                    case 4: {
                            if (!(message.reads && message.reads.length))
                                message.reads = [];
                            message.reads.push(reader.string());
                            break;
                        }
                    case 5: {
                            if (!(message.writes && message.writes.length))
                                message.writes = [];
                            message.writes.push(reader.string());
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

            return Segment;
        })();

        program.Htp = (function() {

            function Htp(properties) {
                this.streams = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Htp.prototype.tablesVtcmOffset = 0;
            Htp.prototype.tablesBytes = 0;
            Htp.prototype.tablesRegion = 0;
            Htp.prototype.tablesRegionOffset = 0;
            Htp.prototype.streams = $util.emptyArray;

            Htp.create = function create(properties) {
                return new Htp(properties);
            };

            Htp.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.tablesVtcmOffset != null && Object.hasOwnProperty.call(message, "tablesVtcmOffset"))
                    writer.uint32(8).uint32(message.tablesVtcmOffset);
                if (message.tablesBytes != null && Object.hasOwnProperty.call(message, "tablesBytes"))
                    writer.uint32(16).uint32(message.tablesBytes);
                if (message.tablesRegion != null && Object.hasOwnProperty.call(message, "tablesRegion"))
                    writer.uint32(24).uint32(message.tablesRegion);
                if (message.tablesRegionOffset != null && Object.hasOwnProperty.call(message, "tablesRegionOffset"))
                    writer.uint32(32).uint32(message.tablesRegionOffset);
                if (message.streams != null && message.streams.length)
                    for (let i = 0; i < message.streams.length; ++i)
                        $root.retile.program.Stream.encode(message.streams[i], writer.uint32(42).fork(), q + 1).ldelim();
                return writer;
            };

            Htp.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.Htp();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.tablesVtcmOffset = reader.uint32();
                            break;
                        }
                    case 2: {
                            message.tablesBytes = reader.uint32();
                            break;
                        }
                    case 3: {
                            message.tablesRegion = reader.uint32();
                            break;
                        }
                    case 4: {
                            message.tablesRegionOffset = reader.uint32();
                            break;
                        }
                    case 5: {
                            if (!(message.streams && message.streams.length))
                                message.streams = [];
                            message.streams.push($root.retile.program.Stream.decode(reader, reader.uint32(), undefined, long + 1));
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

            return Htp;
        })();

        program.Stream = (function() {

            function Stream(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Stream.prototype.core = 0;
            Stream.prototype.engine = "";
            Stream.prototype.index = 0;
            Stream.prototype.section = 0;

            Stream.create = function create(properties) {
                return new Stream(properties);
            };

            Stream.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.core != null && Object.hasOwnProperty.call(message, "core"))
                    writer.uint32(8).uint32(message.core);
                if (message.engine != null && Object.hasOwnProperty.call(message, "engine"))
                    writer.uint32(18).string(message.engine);
                if (message.index != null && Object.hasOwnProperty.call(message, "index"))
                    writer.uint32(24).uint32(message.index);
                if (message.section != null && Object.hasOwnProperty.call(message, "section"))
                    writer.uint32(32).uint32(message.section);
                return writer;
            };

            Stream.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.Stream();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.core = reader.uint32();
                            break;
                        }
                    case 2: {
                            message.engine = reader.string();
                            break;
                        }
                    case 3: {
                            message.index = reader.uint32();
                            break;
                        }
                    case 4: {
                            message.section = reader.uint32();
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

            return Stream;
        })();

        program.Cpu = (function() {

            function Cpu(properties) {
                this.image = [];
                this.ports = [];
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Cpu.prototype.section = 0;
            Cpu.prototype.memoryBytes = 0;
            Cpu.prototype.stages = 0;
            Cpu.prototype.image = $util.emptyArray;
            Cpu.prototype.ports = $util.emptyArray;

            Cpu.create = function create(properties) {
                return new Cpu(properties);
            };

            Cpu.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.section != null && Object.hasOwnProperty.call(message, "section"))
                    writer.uint32(8).uint32(message.section);
                if (message.memoryBytes != null && Object.hasOwnProperty.call(message, "memoryBytes"))
                    writer.uint32(16).uint32(message.memoryBytes);
                if (message.stages != null && Object.hasOwnProperty.call(message, "stages"))
                    writer.uint32(24).uint32(message.stages);
                if (message.image != null && message.image.length)
                    for (let i = 0; i < message.image.length; ++i)
                        $root.retile.program.Placement.encode(message.image[i], writer.uint32(34).fork(), q + 1).ldelim();
                if (message.ports != null && message.ports.length)
                    for (let i = 0; i < message.ports.length; ++i)
                        $root.retile.program.PortPlacement.encode(message.ports[i], writer.uint32(42).fork(), q + 1).ldelim();
                return writer;
            };

            Cpu.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.Cpu();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.section = reader.uint32();
                            break;
                        }
                    case 2: {
                            message.memoryBytes = reader.uint32();
                            break;
                        }
                    case 3: {
                            message.stages = reader.uint32();
                            break;
                        }
                    case 4: {
                            if (!(message.image && message.image.length))
                                message.image = [];
                            message.image.push($root.retile.program.Placement.decode(reader, reader.uint32(), undefined, long + 1));
                            break;
                        }
                    case 5: {
                            if (!(message.ports && message.ports.length))
                                message.ports = [];
                            message.ports.push($root.retile.program.PortPlacement.decode(reader, reader.uint32(), undefined, long + 1));
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

            return Cpu;
        })();

        program.Placement = (function() {

            function Placement(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Placement.prototype.region = 0;
            Placement.prototype.regionOffset = 0;
            Placement.prototype.bytes = 0;
            Placement.prototype.memoryOffset = 0;

            Placement.create = function create(properties) {
                return new Placement(properties);
            };

            Placement.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.region != null && Object.hasOwnProperty.call(message, "region"))
                    writer.uint32(8).uint32(message.region);
                if (message.regionOffset != null && Object.hasOwnProperty.call(message, "regionOffset"))
                    writer.uint32(16).uint32(message.regionOffset);
                if (message.bytes != null && Object.hasOwnProperty.call(message, "bytes"))
                    writer.uint32(24).uint32(message.bytes);
                if (message.memoryOffset != null && Object.hasOwnProperty.call(message, "memoryOffset"))
                    writer.uint32(32).uint32(message.memoryOffset);
                return writer;
            };

            Placement.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.Placement();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.region = reader.uint32();
                            break;
                        }
                    case 2: {
                            message.regionOffset = reader.uint32();
                            break;
                        }
                    case 3: {
                            message.bytes = reader.uint32();
                            break;
                        }
                    case 4: {
                            message.memoryOffset = reader.uint32();
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

            return Placement;
        })();

        program.PortPlacement = (function() {

            function PortPlacement(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            PortPlacement.prototype.name = "";
            PortPlacement.prototype.memoryOffset = 0;

            PortPlacement.create = function create(properties) {
                return new PortPlacement(properties);
            };

            PortPlacement.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                    writer.uint32(10).string(message.name);
                if (message.memoryOffset != null && Object.hasOwnProperty.call(message, "memoryOffset"))
                    writer.uint32(16).uint32(message.memoryOffset);
                return writer;
            };

            PortPlacement.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.PortPlacement();
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
                            message.memoryOffset = reader.uint32();
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

            return PortPlacement;
        })();

        program.Counters = (function() {

            function Counters(properties) {
                if (properties)
                    for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            }

            Counters.prototype.macsInt8 = 0;
            Counters.prototype.ddrReadBytes = 0;
            Counters.prototype.ddrWriteBytes = 0;
            Counters.prototype.vtcmPeakBytes = 0;
            Counters.prototype.macsFp16 = 0;
            Counters.prototype.macsInt16 = 0;
            Counters.prototype.hvxPackets = 0;

            Counters.create = function create(properties) {
                return new Counters(properties);
            };

            Counters.encode = function encode(message, writer, q) {
                if (!writer)
                    writer = $Writer.create();
                if (q === undefined)
                    q = 0;
                if (q > $util.recursionLimit)
                    throw Error("max depth exceeded");
                if (message.macsInt8 != null && Object.hasOwnProperty.call(message, "macsInt8"))
                    writer.uint32(9).double(message.macsInt8);
                if (message.ddrReadBytes != null && Object.hasOwnProperty.call(message, "ddrReadBytes"))
                    writer.uint32(17).double(message.ddrReadBytes);
                if (message.ddrWriteBytes != null && Object.hasOwnProperty.call(message, "ddrWriteBytes"))
                    writer.uint32(25).double(message.ddrWriteBytes);
                if (message.vtcmPeakBytes != null && Object.hasOwnProperty.call(message, "vtcmPeakBytes"))
                    writer.uint32(33).double(message.vtcmPeakBytes);
                if (message.macsFp16 != null && Object.hasOwnProperty.call(message, "macsFp16"))
                    writer.uint32(41).double(message.macsFp16);
                if (message.macsInt16 != null && Object.hasOwnProperty.call(message, "macsInt16"))
                    writer.uint32(49).double(message.macsInt16);
                if (message.hvxPackets != null && Object.hasOwnProperty.call(message, "hvxPackets"))
                    writer.uint32(57).double(message.hvxPackets);
                return writer;
            };

            Counters.decode = function decode(reader, length, error, long) {
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
                message = new $root.retile.program.Counters();
                while (reader.pos < end) {
                    let tag = reader.uint32();
                    if (tag === error)
                        break;
                    switch (tag >>> 3) {
                    case 1: {
                            message.macsInt8 = reader.double();
                            break;
                        }
                    case 2: {
                            message.ddrReadBytes = reader.double();
                            break;
                        }
                    case 3: {
                            message.ddrWriteBytes = reader.double();
                            break;
                        }
                    case 4: {
                            message.vtcmPeakBytes = reader.double();
                            break;
                        }
                    case 5: {
                            message.macsFp16 = reader.double();
                            break;
                        }
                    case 6: {
                            message.macsInt16 = reader.double();
                            break;
                        }
                    case 7: {
                            message.hvxPackets = reader.double();
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

            return Counters;
        })();

        return program;
    })();

    return retile;
})();

export { $root as default };
