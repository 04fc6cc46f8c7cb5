# Sends the forms that it is asked for as Ruby's net/http writes them; see write.py.
require 'net/http'
require 'stringio'

url, *cases = ARGV
cases.each_slice(2) do |name, content|
  fields = [%w[model good-1]]
  fields << ['file', StringIO.new(content), { filename: name[1..], content_type: 'audio/mpeg' }] unless name == '-'
  post = Net::HTTP::Post.new(URI(url))
  post.set_form(fields, 'multipart/form-data')
  Net::HTTP.start(URI(url).host, URI(url).port) { |http| http.request(post) }
end
