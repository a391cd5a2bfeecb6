package api

// everyCommandType are the types of commands that the interface knows, for who
// saves a command before choosing devices: what a device understands, its
// protocol says.
var everyCommandType = []string{
	"custom", "deviceIdentification", "positionSingle", "positionPeriodic", "positionStop", "engineStop", "engineResume", "alarmArm",
	"alarmDisarm", "alarmDismiss", "setTimezone", "requestPhoto", "powerOff", "rebootDevice", "factoryReset", "sendSms", "sendUssd",
	"sosNumber", "silenceTime", "setPhonebook", "message", "voiceMessage", "outputControl", "voiceMonitoring", "setAgps", "setIndicator",
	"configuration", "getVersion", "firmwareUpdate", "setConnection", "setOdometer", "getModemStatus", "getDeviceStatus", "setSpeedLimit",
	"modePowerSaving", "modeDeepSleep", "videoStart", "videoStop", "alarmGeofence", "alarmBattery", "alarmSos", "alarmRemove", "alarmClock",
	"alarmSpeed", "alarmFall", "alarmVibration",
}
